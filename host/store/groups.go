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

// groupLists remembers the groups that tables have rows of, until a commit changes the table.
type groupLists struct {
	// mu guards the following.
	mu     sync.Mutex
	tables map[string]*groupList
}

type groupList struct {
	commits int64 // that have changed the table
	groups  []string
	known   bool
}

func (l *groupLists) init(db *DB) {
	l.tables = make(map[string]*groupList)
	db.onCommit(func(c Commit) {
		l.mu.Lock()
		defer l.mu.Unlock()
		for _, change := range c.Changes {
			if g := l.tables[change.Table]; g != nil {
				*g = groupList{commits: c.Position}
			}
		}
	})
}

// of returns the groups that a table has rows of, in order. The list is not to be changed.
func (l *groupLists) of(ctx context.Context, db *DB, t *table) ([]string, error) {
	l.mu.Lock()
	g := l.tables[t.Name]
	if g == nil {
		g = &groupList{}
		l.tables[t.Name] = g
	}
	groups, known, commits := g.groups, g.known, g.commits
	l.mu.Unlock()
	if known {
		return groups, nil
	}
	groups, err := t.groups(ctx, db)
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

// groups reads the groups that a table has rows of. It steps through the index from one group to the
// next.
func (t *table) groups(ctx context.Context, db *DB) (groups []string, err error) {
	column := t.column(t.MemberOf)
	next := "SELECT min(" + column + ") FROM " + t.name + " WHERE " + column + " > ?"
	err = db.Read(ctx, func(tx *ReadTx) error {
		groups = []string{}
		for last, more := "", true; more; {
			more = false
			for row, err := range tx.Query(next, last) {
				if err != nil {
					return err
				}
				if more = !row.Null(0); more {
					last = row.Text(0)
				}
			}
			if !more {
				break
			}
			if len(groups) == maxGroups {
				return wire.E(wire.LimitExceeded, `table "`, t.Name, `" has rows of more than `, strconv.Itoa(maxGroups),
					` groups; say in "where" which `, t.MemberOf, " you mean")
			}
			groups = append(groups, last)
		}
		return nil
	})
	return groups, err
}
