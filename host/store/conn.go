package store

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/url"
	"path/filepath"
	"strings"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/ext/fts5"

	"goop/shared/wire"
)

// maxStmts is how many prepared statements a connection keeps.
const maxStmts = 256

// conn is one SQLite connection with its prepared statements. One goroutine at a time may use it.
type conn struct {
	db    *sqlite3.Conn
	stmts map[stmtKey]*stmt
	tick  uint64

	// The following are what authorize goes by.
	mode  mode
	users *userTables       // nil before there are any
	trial map[string]*table // in place of users, while they are looked at
	noted func(action sqlite3.AuthorizerActionCode, table, column string)
}

type stmtKey struct {
	mode mode
	sql  string
}

type stmt struct {
	*sqlite3.Stmt
	key   stmtKey
	used  uint64 // the tick of its last use
	busy  bool   // somebody walks over its rows
	plain []int  // the places of the question marks among the parameters
	named int    // parameters that have a name
}

// newStmt looks at the parameters of a statement.
func newStmt(s *sqlite3.Stmt, key stmtKey) *stmt {
	st := &stmt{Stmt: s, key: key}
	for i := 1; i <= s.BindCount(); i++ {
		if name := s.BindName(i); name == "" || name[0] == '?' {
			st.plain = append(st.plain, i)
		} else {
			st.named++
		}
	}
	return st
}

// bind binds all parameters: a param to its name, and the others to the question marks as they come.
func (s *stmt) bind(args []any) error {
	plain, named := 0, 0
	for _, v := range args {
		i := 0
		if p, ok := v.(param); ok {
			if i = s.BindIndex(p.name); i == 0 {
				continue
			}
			named++
			v = p.value
		} else if plain++; plain <= len(s.plain) {
			i = s.plain[plain-1]
		} else {
			break
		}
		if err := bind(s.Stmt, i, v); err != nil {
			return err
		}
	}
	if plain != len(s.plain) || named != s.named {
		return fmt.Errorf("store: %d values and %d names for %d and %d parameters in: %s", plain, named, len(s.plain), s.named, s.SQL())
	}
	return nil
}

// openConn opens one connection. What SQLite keeps per connection is set here, so that all have it.
// maxSize is in bytes, 0 for no bound.
func openConn(ctx context.Context, path, vfsName string, readOnly bool, maxSize int64) (*conn, error) {
	flags := sqlite3.OPEN_URI | sqlite3.OPEN_READWRITE
	pragmas := []string{
		"busy_timeout(5000)",
		"foreign_keys(1)",
		"trusted_schema(0)",
		"cell_size_check(1)",
		"temp_store(memory)",
		"cache_size(-8000)", // 8 MB
	}
	if readOnly {
		flags = sqlite3.OPEN_URI | sqlite3.OPEN_READONLY
		pragmas = append(pragmas, "query_only(1)")
	} else {
		pragmas = append(pragmas,
			"recursive_triggers(1)", // a row that is replaced leaves the table of words as well
			"journal_mode(wal)",
			"synchronous(full)",
			"fullfsync(1)", // on macOS an fsync alone leaves it in the drive's cache
			"checkpoint_fullfsync(1)",
			"wal_autocheckpoint(4000)",     // pages: 16 MB. What is written often is copied seldom
			"journal_size_limit(67108864)") // a WAL that a long read made grow shrinks again
	}
	db, err := sqlite3.OpenFlags(dsn(path, vfsName, pragmas), flags)
	if err != nil {
		return nil, err
	}
	c := &conn{db: db, stmts: make(map[stmtKey]*stmt)}
	if err := errors.Join(c.restrict(maxSize), addFunctions(db), fts5.Register(db), db.SetAuthorizer(c.authorize)); err != nil {
		return nil, errors.Join(err, c.close())
	}
	return c, ctx.Err()
}

// dsn returns the URI that opens path. The WAL takes the mode of the database.
func dsn(path, vfsName string, pragmas []string) string {
	// SQLite, unlike a form, does not read "+" as a space.
	escape := func(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }
	params := []string{"modeof=" + escape(path), "vfs=" + escape(vfsName)}
	for _, p := range pragmas {
		params = append(params, "_pragma="+escape(p))
	}
	slashed := filepath.ToSlash(path)
	if !strings.HasPrefix(slashed, "/") {
		slashed = "/" + slashed // C:/data is /C:/data in a URI
	}
	u := url.URL{Scheme: "file", OmitHost: true, Path: slashed, RawQuery: strings.Join(params, "&")}
	return u.String()
}

// restrict switches off what only a mistake or an attack would use.
func (c *conn) restrict(maxSize int64) error {
	for op, on := range map[sqlite3.DBConfig]bool{
		sqlite3.DBCONFIG_DEFENSIVE:      true,
		sqlite3.DBCONFIG_DQS_DML:        false, // "text" in double quotes is a name, never a string
		sqlite3.DBCONFIG_DQS_DDL:        false,
		sqlite3.DBCONFIG_TRUSTED_SCHEMA: false,
		sqlite3.DBCONFIG_ENABLE_QPSG:    true, // else a statement is planned anew for each value that is bound
	} {
		if _, err := c.db.Config(op, on); err != nil {
			return err
		}
	}
	if maxSize <= 0 {
		return nil
	}
	pageSize, err := c.number("PRAGMA page_size")
	if err != nil {
		return err
	}
	return c.db.Exec(fmt.Sprintf("PRAGMA max_page_count = %d", max(1, maxSize/pageSize)))
}

// check refuses a database of another program, and reads the whole file for damage.
func (c *conn) check(ctx context.Context) error {
	defer c.db.SetInterrupt(c.db.SetInterrupt(ctx))
	if _, err := checkOwn(c); err != nil {
		return err
	}
	for row, err := range c.query("PRAGMA quick_check(1)", nil) {
		if err != nil {
			return err
		}
		if s := row.Text(0); s != "ok" {
			return fmt.Errorf("%w: %s", sqlite3.CORRUPT, strings.ReplaceAll(s, "\n", " "))
		}
	}
	return nil
}

func (c *conn) close() error {
	for _, s := range c.stmts {
		s.Close() // tells again what its last use has told
	}
	return c.db.Close()
}

// exec runs one statement to its end and returns how many rows it changed.
func (c *conn) exec(sql string, args []any) (int64, error) {
	s, err := c.prepare(internal, sql, args)
	if err != nil {
		return 0, err
	}
	return c.run(s)
}

// run runs a statement to its end, releases it, and returns how many rows it changed.
func (c *conn) run(s *stmt) (int64, error) {
	err := s.Exec()
	c.release(s)
	if err != nil {
		return 0, err
	}
	return c.db.Changes(), nil
}

// query runs one statement of the store's own and yields its rows. A Row is good until the next one.
func (c *conn) query(sql string, args []any) iter.Seq2[Row, error] {
	return c.queryAs(internal, sql, args)
}

// queryAs is query for what somebody may do.
func (c *conn) queryAs(m mode, sql string, args []any) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		s, err := c.prepare(m, sql, args)
		if err != nil {
			yield(Row{}, err)
			return
		}
		defer c.release(s)
		for s.Step() {
			if !yield(Row{s.Stmt}, nil) {
				return
			}
		}
		if err := s.Err(); err != nil {
			yield(Row{}, err)
		}
	}
}

// number returns the single number that sql yields, 0 for no row.
func (c *conn) number(sql string, args ...any) (n int64, err error) {
	for row, err := range c.query(sql, args) {
		if err != nil {
			return 0, err
		}
		n = row.Int(0)
	}
	return n, nil
}

// prepare returns the statement for sql with its parameters bound. It has to be released. SQLite may
// prepare it again with its first step, which therefore comes before anything else is prepared.
func (c *conn) prepare(m mode, sql string, args []any) (*stmt, error) {
	s, err := c.unbound(m, sql)
	if err != nil {
		return nil, err
	}
	if err := s.bind(args); err != nil {
		c.release(s)
		return nil, err
	}
	return s, nil
}

// unbound is prepare for who binds all parameters itself.
func (c *conn) unbound(m mode, sql string) (*stmt, error) {
	c.tick++
	c.mode = m
	key := stmtKey{m, sql}
	s := c.stmts[key]
	if s == nil || s.busy {
		st, tail, err := c.db.PrepareFlags(sql, sqlite3.PREPARE_PERSISTENT)
		if err != nil {
			c.mode = internal
			return nil, fmt.Errorf("%w in: %s", err, sql)
		}
		if st == nil || strings.TrimSpace(tail) != "" {
			c.mode = internal
			return nil, errors.Join(fmt.Errorf("store: not exactly one statement: %s", sql), st.Close())
		}
		fresh := newStmt(st, key)
		if s == nil { // else one is in the cache, and this one ends with its use
			c.evict()
			c.stmts[key] = fresh
		}
		s = fresh
	}
	s.used, s.busy = c.tick, true
	return s, nil
}

// release makes s ready for its next use and lets go of what was bound.
func (c *conn) release(s *stmt) {
	defer func() { // for want of memory, go-sqlite3 panics with the last step's error once more
		s.busy = false
		c.mode = internal
		if c.stmts[s.key] != s {
			s.Close()
		}
	}()
	s.Reset() // its error is that of the last step
	s.ClearBindings()
}

// evict makes room for one statement more.
func (c *conn) evict() {
	if len(c.stmts) < maxStmts {
		return
	}
	var oldest *stmt
	for _, s := range c.stmts {
		if !s.busy && (oldest == nil || s.used < oldest.used) {
			oldest = s
		}
	}
	if oldest != nil {
		delete(c.stmts, oldest.key)
		oldest.Close()
	}
}

// Text is JSON or other text in bytes, bound as TEXT; a []byte is bound as BLOB.
type Text []byte

func bind(s *sqlite3.Stmt, i int, v any) error {
	switch v := v.(type) {
	case nil:
		return s.BindNull(i)
	case bool:
		return s.BindBool(i, v)
	case int:
		return s.BindInt64(i, int64(v))
	case int64:
		return s.BindInt64(i, v)
	case float64:
		return s.BindFloat(i, v)
	case string:
		return s.BindText(i, v)
	case Text:
		return s.BindRawText(i, v)
	case []byte:
		if v == nil {
			return s.BindNull(i)
		}
		return s.BindBlob(i, v)
	case wire.PeerID:
		return s.BindText(i, string(v))
	case wire.GroupID:
		return s.BindText(i, string(v))
	case wire.SessionID:
		return s.BindText(i, string(v))
	case wire.Epoch:
		return s.BindText(i, string(v))
	case wire.Role:
		return s.BindText(i, string(v))
	case wire.Type:
		return s.BindText(i, string(v))
	}
	return fmt.Errorf("store: a %T cannot be stored", v)
}

// Row is one row of a query. Columns count from 0. It is good until the walk goes on.
type Row struct{ s *sqlite3.Stmt }

// Len returns the number of columns.
func (r Row) Len() int { return r.s.ColumnCount() }

// Name returns the name of a column.
func (r Row) Name(i int) string { return r.s.ColumnName(i) }

// Kind returns what is stored: sqlite3.NULL, INTEGER, FLOAT, TEXT or BLOB.
func (r Row) Kind(i int) sqlite3.Datatype { return r.s.ColumnType(i) }

// Null reports whether the value is NULL.
func (r Row) Null(i int) bool { return r.s.ColumnType(i) == sqlite3.NULL }

// Int returns an integer, 0 for NULL.
func (r Row) Int(i int) int64 { return r.s.ColumnInt64(i) }

// Float returns a number, 0 for NULL.
func (r Row) Float(i int) float64 { return r.s.ColumnFloat(i) }

// Text returns a text, "" for NULL.
func (r Row) Text(i int) string { return r.s.ColumnText(i) }

// Bytes returns a copy of a BLOB or a text, nil for NULL.
func (r Row) Bytes(i int) []byte { return r.s.ColumnBlob(i, nil) }

// Raw returns a BLOB or a text as it lies in SQLite's memory: good until the walk goes on.
func (r Row) Raw(i int) []byte { return r.s.ColumnRawBlob(i) }
