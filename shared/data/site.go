package data

import (
	_ "embed"
	"slices"
	"strconv"

	"goop/shared/group"
	"goop/shared/wire"
)

// SiteFile is the name of the file that describes a site, in the site's folder.
const SiteFile = "goop.json"

// Site is what goop.json says. The zero Site is that of a folder without the file.
type Site struct {
	Name      string
	CSP       string // the Content-Security-Policy that its author wants, or ""
	Tables    []*Table
	Views     []*Table         // each with a View
	Groups    []group.Config   // each with an id
	Templates []group.Template // of groups that everybody may make, in the order of the file
}

// Table returns the site's table of a name.
func (s *Site) Table(name string) (*Table, bool) {
	for _, t := range s.Tables {
		if t.Name == name {
			return t, true
		}
	}
	return nil, false
}

// tableNames lists the tables, for suggestions.
func (s *Site) tableNames() []string {
	var list []string
	for _, t := range s.Tables {
		list = append(list, t.Name)
	}
	return list
}

// SchemaJSON is the JSON Schema of goop.json, for editors.
//
//go:embed goop.schema.json
var SchemaJSON []byte

// SiteError tells what is wrong with a goop.json, and where.
type SiteError struct {
	Line, Column int    // from 1; the column counts characters
	Path         string // such as "tables.moves.columns.ply.type"; "" for the file as a whole
	Message      string
}

func (e *SiteError) Error() string {
	s := SiteFile + ":" + strconv.Itoa(e.Line) + ":" + strconv.Itoa(e.Column) + ": "
	if e.Path != "" {
		s += e.Path + ": "
	}
	return s + e.Message
}

// Bounds of a goop.json.
const (
	MaxSite      = 1 << 20 // bytes
	MaxTables    = 100
	MaxViews     = 50
	MaxViewSQL   = 16 << 10 // bytes of the text of one view
	MaxColumns   = 100      // of one table
	MaxIndexes   = 20       // of one table
	MaxIndexed   = 8        // columns of one index
	MaxEnum      = 100
	maxRule      = 500 // comparisons of a rule, with those of the rules for reading what it refers to
	maxFollow    = 12  // references that a rule follows one behind the other, with those of such rules
	MaxGroups    = 100
	maxSiteName  = 100 // characters
	maxSiteCSP   = 4096
	maxNameBytes = 64 // of a table's or column's name
)

// The keys of each object of the file, which goop.schema.json lists too.
var (
	siteKeys   = []string{"$schema", "name", "csp", "tables", "views", "groups", "create"}
	tableKeys  = []string{"columns", "indexes", "memberOf", "search", "access"}
	columnKeys = []string{"type", "required", "default", "unique", "min", "max", "maxLength", "enum", "references", "onRemove", "hidden", "readonly"}
	indexKeys  = []string{"columns", "unique"}
	accessKeys = []string{"read", "insert", "update", "remove"}
	ruleKeys   = []string{"who", "if"}
	updateKeys = []string{"who", "if", "then"}
	viewKeys   = []string{"sql", "id", "columns", "memberOf", "read"}

	viewColumnKeys = []string{"type", "hidden"}
)

// systemTables are those that the host makes up.
var systemTables = []*Table{Groups, Invites, Peers}

// Lookup returns the table or view that a request names, _groups and its like included. The error is a
// *wire.Error with code no_such_table.
func (s *Site) Lookup(name string) (*Table, error) {
	var list []string
	for _, tables := range [][]*Table{s.Tables, s.Views, systemTables} {
		for _, t := range tables {
			if t.Name == name {
				return t, nil
			}
			list = append(list, t.Name)
		}
	}
	return nil, wire.E(wire.NoSuchTable, `there is no table "`, clip(name), `"`, suggest(name, list))
}

// CheckRecord tells why a group cannot record its messages as its configuration says, nil when it can.
func (s *Site) CheckRecord(cfg *group.Config) *wire.Error {
	if cfg.Record == "" {
		return nil
	}
	t, ok := s.Table(cfg.Record)
	if !ok {
		if slices.ContainsFunc(s.Views, func(v *Table) bool { return v.Name == cfg.Record }) {
			return wire.E(wire.InvalidValue, `"record": "`, cfg.Record, `" is a view, into which nothing can be written`)
		}
		return wire.E(wire.InvalidValue, `"record": there is no table "`, clip(cfg.Record), `"`, suggest(cfg.Record, s.tableNames()))
	}
	if !cfg.Durable {
		return wire.E(wire.InvalidValue, `"record" needs a durable group, in whose log a message and its row are stored together: `,
			`set "durable" to true, or "type" to "persistent"`)
	}
	for _, c := range t.Columns {
		if c.OwnerSets && c.Required && c.Default.IsNull() {
			return wire.E(wire.InvalidValue, `"record": no message can become a row of the table "`, t.Name,
				`": a column that only the site's owner sets is required and has no default`)
		}
	}
	if cfg.Access == group.Invited && t.Access.Read.Who == Everybody {
		return wire.E(wire.InvalidValue, `"record": only those who are invited may know of this group, and everybody may read the table "`,
			t.Name, `": let its rule for "read" be "member", with "memberOf", or "author", "owner" or "none"`)
	}
	return nil
}

// Visible returns the tables and views with which a caller may do anything at all, _groups and its like
// included.
func (s *Site) Visible(c group.Caller) []*Table {
	var out []*Table
	for _, t := range slices.Concat(s.Tables, s.Views) {
		a := &t.Access
		for _, r := range []Rule{a.Read, a.Insert, a.Update, a.Remove} {
			if r.For(c).Kind != NoRows {
				out = append(out, t)
				break
			}
		}
	}
	return append(out, systemTables...)
}
