package data

import (
	_ "embed"
	"strconv"

	"goop/shared/group"
)

// SiteFile is the name of the file that describes a site, in the site's folder.
const SiteFile = "goop.json"

// Site is what goop.json says. The zero Site is that of a folder without the file.
type Site struct {
	Name   string
	CSP    string // the Content-Security-Policy that its author wants, or ""
	Tables []*Table
	Groups []group.Config // each with an id
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
	MaxColumns   = 100 // of one table
	MaxIndexes   = 20  // of one table
	MaxIndexed   = 8   // columns of one index
	MaxEnum      = 100
	MaxGroups    = 100
	maxSiteName  = 100 // characters
	maxSiteCSP   = 4096
	maxNameBytes = 64 // of a table's or column's name
)

// The keys of each object of the file, which goop.schema.json lists too.
var (
	siteKeys   = []string{"$schema", "name", "csp", "tables", "groups"}
	tableKeys  = []string{"columns", "indexes", "memberOf", "access"}
	columnKeys = []string{"type", "required", "default", "unique", "min", "max", "maxLength", "enum"}
	accessKeys = []string{"read", "insert", "update", "remove"}
	ruleKeys   = []string{"who"}
)
