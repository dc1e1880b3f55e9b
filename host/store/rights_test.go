package store

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"goop/shared/data"
	"goop/shared/group"
	"goop/shared/wire"
)

// chain are tables that lead to each other, with a rule for reading each.
func chain(games, moves, notes string) string {
	return `"games":{"columns":{"name":{"type":"text"},"level":{"type":"integer","hidden":true},"at":{"type":"time"},"host":{"type":"text"}},"memberOf":"name",
			"access":{"read":` + games + `,"insert":"open"}},
		"moves":{"columns":{"game":{"type":"integer","references":"games","onRemove":"keep"},"by":{"type":"text"},"g":{"type":"text"},"n":{"type":"integer"}},"memberOf":"g",
			"access":{"read":` + moves + `,"insert":"open"}},
		"notes":{"columns":{"move":{"type":"integer","references":"moves","onRemove":"keep"},"text":{"type":"text"},"g":{"type":"text"}},"memberOf":"g",
			"access":{"read":` + notes + `,"insert":"open"}}`
}

// someRule makes a random rule of tests of some paths, and of what depends on the caller and the moment.
func someRule(rng *rand.Rand, paths ...string) string {
	return `{"who":"` + pickOne(rng, []string{"open", "open", "member", "author", "role:viewer", "role:moderator"}) + `","if":` + someRuleWhere(rng, 1, paths) + `}`
}

func someRuleWhere(rng *rand.Rand, depth int, paths []string) string {
	var parts []string
	seen := map[string]bool{}
	for range 1 + rng.IntN(2) {
		key, value := pickOne(rng, paths), ""
		switch n := rng.IntN(8); {
		case n == 0 && depth < 4:
			key, value = "not", someRuleWhere(rng, depth+1, paths)
		case n == 1 && depth < 4:
			key = pickOne(rng, []string{"and", "or"})
			value = "[" + someRuleWhere(rng, depth+1, paths) + "," + someRuleWhere(rng, depth+1, paths) + "]"
		case n == 2:
			key, value = "$now", `{"`+pickOne(rng, []string{"<", ">="})+`":`+pickOne(rng, []string{"0", "5000000000000"})+`}`
		case n == 3:
			key, value = "$role", pickOne(rng, []string{`"moderator"`, `null`, `{"!=":"viewer"}`, `{"in":["owner","viewer"]}`, `{"null":false}`})
		case n == 4:
			key, value = "$me", pickOne(rng, []string{`"anna"`, `{"!=":"ben"}`, `{"in":["anna","nobody"]}`})
		default:
			value = someRuleTest(rng, key)
		}
		if !seen[key] {
			seen[key] = true
			parts = append(parts, `"`+key+`":`+value)
		}
	}
	return "{" + strings.Join(parts, ",") + "}"
}

// someRuleTest makes a test of the column at the end of a path.
func someRuleTest(rng *rand.Rand, path string) string {
	switch path[strings.LastIndexByte(path, '.')+1:] {
	case "level", "n":
		return pickOne(rng, []string{"1", "null", `{"<":2}`, `{"!=":1}`, `{">=":1}`, `{"in":[0,2,null]}`, `{"null":false}`})
	case "at":
		return pickOne(rng, []string{`{"<=":"$now"}`, `{">":"$now"}`, `{"null":true}`, `{"!=":"$now"}`})
	}
	return pickOne(rng, []string{`"$me"`, `{"!=":"$me"}`, `"g1"`, `{"in":["g1","anna"]}`, `{"like":"a%"}`, `{"contains":"n"}`, `{"null":true}`, `"$role"`, `{"!=":"$role"}`})
}

// oracle tells row by row what a caller may read.
type oracle struct {
	w    *world
	rows map[string][][]data.Value
	c    group.Caller
	now  int64
}

func (o *oracle) may(t *data.Table, row []data.Value) bool {
	g := t.Access.Read.For(o.c)
	role := func(id string) (wire.Role, bool) {
		if !wire.ValidID(id) {
			return "", false
		}
		return o.w.members.Role(o.c.Peer, wire.GroupID(id))
	}
	switch g.Kind {
	case data.NoRows:
		return false
	case data.OwnRows:
		if row[t.Lookup(data.OwnerColumn)].S != string(o.c.Peer) {
			return false
		}
	case data.GroupRows:
		id := row[t.Lookup(t.MemberOf)].S
		if r, in := role(id); !wire.ValidID(id) || !g.Enough(r, in) {
			return false
		}
	}
	return g.If == nil || g.If.Match(row, &data.Env{Me: o.c.Peer, Now: o.now,
		Role: func(id string) wire.Role { r, _ := role(id); return r },
		Follow: func(to *data.Table, id int64) []data.Value {
			for _, row := range o.rows[to.Name] {
				if row[0].N == id && o.may(o.w.table(to.Name), row) {
					return row
				}
			}
			return nil
		}})
}

// stored returns all rows of a table as they are in the database.
func (w *world) stored(name string) (rows [][]data.Value) {
	t := w.db.users.get(name)
	err := w.db.Read(w.t.Context(), func(tx *ReadTx) error {
		for row, err := range tx.Query("SELECT " + t.names(nil) + " FROM " + t.name) {
			if err != nil {
				return err
			}
			rows = append(rows, t.read(nil, row, nil))
		}
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return rows
}

// newChain is a world with the tables of chain and rows that lead to each other, or nowhere.
func newChain(t testing.TB, rng *rand.Rand) (*world, map[string][][]data.Value) {
	w := newWorld(t, chain(`"open"`, `"open"`, `"open"`))
	w.members.set("anna", "g1", wire.RoleModerator, true)
	w.members.set("anna", "g2", "", true)
	w.members.set("ben", "g1", wire.RoleViewer, true)
	callers := []group.Caller{anna, ben, owner}
	text := func() string { return pickOne(rng, []string{`"g1"`, `"g2"`, `"g3"`, `"anna"`, `"$x"`, `null`, `""`}) }
	ids := map[string][]int64{"": {1}}
	add := func(table, format string, args ...any) {
		c := callers[rng.IntN(len(callers))]
		c.Owner = true
		ids[table] = append(ids[table], w.mustInsert(c, table, fmt.Sprintf(format, args...)))
	}
	id := func(table string) string {
		if list := ids[table]; rng.IntN(6) > 0 {
			return fmt.Sprint(list[rng.IntN(len(list))])
		}
		return "null"
	}
	for range 12 {
		add("games", `{"name":%s,"level":%s,"at":%s,"host":%s}`, text(), pickOne(rng, []string{"0", "1", "2", "null"}), pickOne(rng, []string{"0", "5000000000000", "null"}), text())
	}
	for range 25 {
		add("moves", `{"game":%s,"by":%s,"g":%s,"n":%d}`, id("games"), text(), text(), rng.IntN(3))
	}
	for range 40 {
		add("notes", `{"move":%s,"text":%s,"g":%s}`, id("moves"), text(), text())
	}
	for _, name := range []string{"games", "moves"} { // so that some lead nowhere
		if err := w.remove(owner, name, ids[name][0]); err != nil {
			t.Fatal(err)
		}
	}
	rows := map[string][][]data.Value{}
	for name := range ids {
		if name != "" {
			rows[name] = w.stored(name)
		}
	}
	return w, rows
}

// setRules gives the tables the rules of another site.
func (w *world) setRules(tables string) error {
	s, err := data.ParseSite([]byte(`{"tables":{` + tables + `}}`))
	if err != nil {
		return err
	}
	for _, t := range s.Tables {
		w.table(t.Name).Access = t.Access
	}
	return nil
}

// What a caller may read by any rules is what an oracle finds that looks at row by row and knows no SQL.
func TestRightsAgreeWithMatch(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	w, rows := newChain(t, rng)
	rounds, some := 400, 0
	if testing.Short() {
		rounds = 80
	}
	for range rounds {
		rules := chain(someRule(rng, "name", "level", "at", "host", "_owner"),
			someRule(rng, "by", "n", "g", "_owner", "game.level", "game.at", "game.host", "game.name"),
			someRule(rng, "text", "g", "move.n", "move.by", "move.game.level", "move.game.at", "move._owner"))
		if err := w.setRules(rules); err != nil {
			t.Fatalf("%v in %s", err, rules)
		}
		for _, c := range []group.Caller{anna, ben, owner, {Peer: "nobody"}} {
			o := &oracle{w, rows, c, time.Now().UnixMilli()}
			for _, name := range []string{"games", "moves", "notes"} {
				table := w.table(name)
				q := w.query(name, `"limit":1000`)
				if !c.Owner {
					q.Table, q.Columns = table.For(c), table.For(c).Shown()
				}
				want := q.Select(slices.DeleteFunc(slices.Clone(rows[name]), func(row []data.Value) bool { return !o.may(table, row) }))
				got, err := w.tables.Query(t.Context(), c, q)
				if err != nil || joined(got.Rows) != joined(want) {
					t.Fatalf("%s in %s by %s: %v, got\n%swant\n%s", name, rules, c.Peer, err, joined(got.Rows), joined(want))
				}
				if len(want) > 0 && len(want) < len(rows[name]) {
					some++
				}
				id := rows[name][rng.IntN(len(rows[name]))]
				_, err = w.tables.Get(t.Context(), c, q, id[0])
				code := wire.Code("")
				if !o.may(table, id) {
					code = wire.NotFound
				}
				wantCode(t, fmt.Sprintf("get %s in %s by %s", name, rules, c.Peer), err, code)
			}
		}
	}
	if some < rounds {
		t.Errorf("only %d results of %d rounds told rows apart", some, rounds)
	}
}

// Whatever a rule's condition may be is SQL that runs and means the same.
func FuzzRule(f *testing.F) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 50 {
		f.Add([]byte(someRuleWhere(rng, 1, []string{"text", "g", "move.n", "move.game.level", "move._owner"})))
	}
	w, rows := newChain(f, rng)
	notes := w.table("notes")
	f.Fuzz(func(t *testing.T, cond []byte) {
		if w.setRules(chain(`"member"`, `{"who":"open","if":{"game.name":{"null":false}}}`, `{"who":"open","if":`+string(cond)+`}`)) != nil {
			return
		}
		o := &oracle{w, rows, anna, time.Now().UnixMilli()}
		q := &data.Query{Table: notes, Limit: 1000}
		want := q.Select(slices.DeleteFunc(slices.Clone(rows["notes"]), func(row []data.Value) bool { return !o.may(notes, row) }))
		got, err := w.tables.Query(t.Context(), anna, q)
		if err != nil || joined(got.Rows) != joined(want) {
			t.Fatalf("%s: %v, got\n%swant\n%s", cond, err, joined(got.Rows), joined(want))
		}
	})
}

// Rules that come to depend on each other, which ParseSite refuses, end in an error.
func TestRulesInACircle(t *testing.T) {
	t.Parallel()
	w := newWorld(t, chain(`"open"`, `"open"`, `"open"`))
	games, moves := w.table("games"), w.table("moves")
	w.table("games").Access.Read.If = &data.Where{Test: data.Null, Column: 1, Via: []data.Ref{{Column: 1, Table: moves}}}
	w.table("moves").Access.Read.If = &data.Where{Test: data.Null, Column: 1, Via: []data.Ref{{Column: 1, Table: games}}}
	if _, err := w.rows(anna, "moves", ""); err == nil {
		t.Error("rules in a circle were followed")
	}
}

// A group of which a table had no rows when the caller's roles were asked for is none in which it has no role.
func TestNoRoleInAGroupThatCameLater(t *testing.T) {
	t.Parallel()
	for _, rule := range []string{`{"$role":{"!=":"viewer"}}`, `{"not":{"$role":"viewer"}}`, `{"or":[{"$role":null},{"$role":"member"}]}`, `{"role":{"!=":"$role"}}`} {
		w := newWorld(t, `"a":{"columns":{"g":{"type":"text"},"role":{"type":"text","default":"viewer"}},"memberOf":"g","access":{"read":{"who":"open","if":`+rule+`},"insert":"open"}}`)
		for _, g := range []wire.GroupID{"early", "late"} {
			w.members.set(ben.Peer, g, wire.RoleViewer, true)
		}
		for _, row := range []string{`{"g":"early"}`, `{"g":"other"}`, `{}`, `{"g":""}`} {
			w.mustInsert(anna, "a", row)
		}
		u := w.db.users.get("a")
		r, err := w.tables.readRights(t.Context(), u, ben, nil)
		if err != nil {
			t.Fatal(err)
		}
		w.mustInsert(anna, "a", `{"g":"late"}`)
		for _, when := range []string{"before", "after"} {
			sql, n := selectCount(u, nil, r), int64(0)
			err = w.db.Read(t.Context(), func(tx *ReadTx) error {
				for row, err := range tx.run(sql) {
					if err != nil {
						return err
					}
					n = row.Int(0)
				}
				return nil
			})
			if err != nil || n != 3 {
				t.Errorf("%s, asked %s: %d rows, %v, want 3", rule, when, n, err)
			}
			if r, err = w.tables.readRights(t.Context(), u, ben, nil); err != nil {
				t.Fatal(err)
			}
		}
	}
}
