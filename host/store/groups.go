package store

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"
	"sync"

	"goop/shared/data"
	"goop/shared/jsontext"
	"goop/shared/wire"
)

// maxGroups is how many groups a table may have rows of before a caller whose rights depend on them has
// to say which ones it means.
const maxGroups = 10_000

// rolesIn is what a caller is in some groups.
type rolesIn struct {
	list []roleIn // by group
	all  bool     // those of all groups that the table had rows of
}

type roleIn struct {
	group string
	role  wire.Role
	in    bool // has a role, or is in the roster
}

// add asks about groups.
func (s *rolesIn) add(m Membership, peer wire.PeerID, groups []string) {
	before := len(s.list)
	s.list = slices.Grow(s.list, len(groups))
	for _, id := range groups {
		st := roleIn{group: id}
		if wire.ValidID(id) {
			st.role, st.in = m.Role(peer, wire.GroupID(id))
		}
		s.list = append(s.list, st)
	}
	byGroup := func(a, b roleIn) int { return cmp.Compare(a.group, b.group) }
	if before > 0 || !slices.IsSortedFunc(s.list, byGroup) {
		slices.SortStableFunc(s.list, byGroup)
	}
	s.list = slices.CompactFunc(s.list, func(a, b roleIn) bool { return a.group == b.group })
}

func (s *rolesIn) has(group string) bool {
	_, ok := s.find(group)
	return ok
}

func (s *rolesIn) find(group string) (int, bool) {
	return slices.BinarySearchFunc(s.list, group, func(st roleIn, id string) int { return strings.Compare(st.group, id) })
}

// enough returns the groups where the caller gets what a grant for GroupRows gives, as a JSON list.
func (s *rolesIn) enough(g data.Grant) string {
	return s.pick(func(st roleIn) bool { return wire.ValidID(st.group) && g.Enough(st.role, st.in) })
}

// with returns the groups where the caller has a role, as a JSON list.
func (s *rolesIn) with(role wire.Role) string {
	return s.pick(func(st roleIn) bool { return st.role == role })
}

// roles returns the roles that the caller has anywhere.
func (s *rolesIn) roles() (roles []wire.Role) {
	for _, st := range s.list {
		if st.role != "" && !slices.Contains(roles, st.role) {
			roles = append(roles, st.role)
		}
	}
	slices.Sort(roles)
	return roles
}

func (s *rolesIn) pick(which func(roleIn) bool) string {
	list := jsontext.Writer{}
	list.Begin('[')
	for _, st := range s.list {
		if which(st) {
			list.Str(st.group)
		}
	}
	list.End(']')
	return string(list.B)
}

// groupLists remembers the groups that tables have rows of, until a commit changes the table. A view's are
// remembered until one of the tables that it reads changes, and not at all when it shows each caller
// something else.
type groupLists struct {
	// mu guards the following.
	mu     sync.Mutex
	tables map[string]*groupList
	of     map[string][]*groupList // those that depend on a table
}

type groupList struct {
	commits int64 // that have changed what the list depends on
	groups  []string
	known   bool
}

func (l *groupLists) init(db *DB) {
	l.tables = make(map[string]*groupList)
	l.of = make(map[string][]*groupList)
	db.onCommit(func(c Commit) {
		l.mu.Lock()
		defer l.mu.Unlock()
		for _, change := range c.Changes {
			for _, g := range l.of[change.Table] {
				*g = groupList{commits: c.Position}
			}
		}
	})
}

// listLocked returns what is remembered of a table. mu is held.
func (l *groupLists) listLocked(t *table) *groupList {
	g := l.tables[t.Name]
	if g == nil {
		g = &groupList{}
		l.tables[t.Name] = g
		for _, name := range t.reads {
			l.of[name] = append(l.of[name], g)
		}
	}
	return g
}

// groupsOf returns the groups that a table has rows of, in order. The list is not to be changed.
func (r *rights) groupsOf(ctx context.Context, t *table) ([]string, error) {
	if t.view != nil && (t.view.me || t.view.now) {
		return r.readGroups(ctx, t)
	}
	l := &r.ts.groups
	l.mu.Lock()
	g := l.listLocked(t)
	groups, known, commits := g.groups, g.known, g.commits
	l.mu.Unlock()
	if known {
		return groups, nil
	}
	groups, err := r.readGroups(ctx, t)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if g.commits == commits {
		g.groups, g.known = groups, true
	}
	return groups, nil
}

// readGroups reads the groups that a table has rows of. It steps through the index from one group to the
// next; of a view, which has no index, it reads all rows.
func (r *rights) readGroups(ctx context.Context, t *table) (groups []string, err error) {
	err = r.ts.db.Read(ctx, func(tx *ReadTx) error {
		groups = []string{}
		for last, more := "", true; more; {
			more = false
			for row, err := range tx.run(r.nextGroup(t, last)) {
				if err != nil {
					return err
				}
				if row.Null(0) {
					continue
				}
				if len(groups) == maxGroups {
					return wire.E(wire.LimitExceeded, `table "`, t.Name, `" has rows of more than `, strconv.Itoa(maxGroups),
						` groups; say in "where" which `, t.MemberOf, " you mean")
				}
				last = row.Text(0)
				groups = append(groups, last)
				more = t.view == nil
			}
		}
		return nil
	})
	return groups, err
}

// nextGroup writes a SELECT of the group that follows on one, or, of a view, of all that do.
func (r *rights) nextGroup(t *table, last string) *query {
	q := &query{}
	column := t.column(t.MemberOf)
	if t.view != nil {
		q.WriteString("SELECT DISTINCT " + column)
	} else {
		q.WriteString("SELECT min(" + column + ")")
	}
	q.from(t, r)
	q.WriteString(" WHERE " + column + " > ")
	q.bind(last)
	if t.view != nil {
		q.WriteString(" ORDER BY 1")
	}
	return q
}
