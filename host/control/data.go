package control

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"math"
	"net/http"
	"net/url"

	"goop/shared/jsontext"
	"goop/shared/wire"
)

// Data is what can be done with the site's tables, as its owner. It is the running host's, or that of a data
// folder which no host uses.
type Data interface {
	Tables(ctx context.Context) ([]Table, error)
	// Query returns rows as JSON objects: the fields of the request are those of the data protocol.
	Query(ctx context.Context, request json.RawMessage) ([]json.RawMessage, error)
	// Export calls fn with each row of tables, one table after the other, as they are at one moment; row is
	// nil once before the rows of a table. Without tables it is all of them.
	Export(ctx context.Context, tables []string, fn func(table string, row []byte) error) error
	// Import puts rows into a table, one JSON object a line: all of them or none.
	Import(ctx context.Context, table string, mode ImportMode, rows io.Reader) (Imported, error)
}

// Table is one of the site's tables.
type Table struct {
	Name    string   `json:"name"`
	Rows    int64    `json:"rows"`
	Columns []string `json:"columns"`
	Times   []string `json:"times,omitempty"` // those of Columns that hold moments
	View    bool     `json:"view,omitempty"`
}

// ImportMode tells what becomes of a row that is there already.
type ImportMode string

// The modes.
const (
	ImportNew     ImportMode = ""        // it is an error
	ImportReplace ImportMode = "replace" // the new one takes its place
	ImportSkip    ImportMode = "skip"    // it stays
)

// Imported counts what became of the rows.
type Imported struct {
	Inserted int64 `json:"inserted"`
	Replaced int64 `json:"replaced"`
	Skipped  int64 `json:"skipped"`
}

func (s *Server) data(mux *http.ServeMux) {
	mux.HandleFunc("POST /backup", long(s, maxBody, func(r *http.Request) (any, error) {
		var q BackupRequest
		if err := body(r, &q); err != nil {
			return nil, err
		}
		return s.host.Backup(r.Context(), q)
	}))
	mux.HandleFunc("GET /data", long(s, maxBody, func(r *http.Request) (any, error) { return s.host.Tables(r.Context()) }))
	mux.HandleFunc("POST /data/query", long(s, maxBody, func(r *http.Request) (any, error) {
		var q json.RawMessage
		if err := body(r, &q); err != nil {
			return nil, err
		}
		return s.host.Query(r.Context(), q)
	}))
	mux.HandleFunc("GET /data/rows", s.export)
	mux.HandleFunc("POST /data/rows", long(s, math.MaxInt64, func(r *http.Request) (any, error) {
		return s.host.Import(r.Context(), r.URL.Query().Get("table"), ImportMode(r.URL.Query().Get("mode")), r.Body)
	}))
}

// Lines of an export that are no rows: which begin with another key than those, _id.
const (
	tableKey = "table" // whose rows follow
	endKey   = "end"   // nothing is missing
	errorKey = "error"
)

// export answers with rows, one a line, and before those of each table a line that names it. The last line
// says that it was the last, or what went wrong.
func (s *Server) export(w http.ResponseWriter, r *http.Request) {
	r, done := s.lasting(w, r)
	defer done()
	out := json.NewEncoder(w)
	begun := false
	err := s.host.Export(r.Context(), r.URL.Query()["table"], func(table string, row []byte) error {
		if !begun {
			w.Header().Set("Content-Type", "application/x-ndjson")
			begun = true
		}
		if row == nil {
			return out.Encode(map[string]string{tableKey: table})
		}
		_, err := w.Write(append(row, '\n'))
		return err
	})
	switch {
	case err == nil:
		err = out.Encode(map[string]bool{endKey: true})
	case begun:
		err = out.Encode(map[string]*failure{errorKey: s.told(r, err)})
	default:
		s.reply(w, r, nil, err)
		return
	}
	if err != nil {
		s.log.Debug("an export was not read to its end", "error", err)
	}
}

// Tables asks for the site's tables.
func (c *Client) Tables(ctx context.Context) (list []Table, err error) {
	err = c.lasting().do(ctx, http.MethodGet, "/data", &list)
	return list, err
}

// Query asks for rows.
func (c *Client) Query(ctx context.Context, request json.RawMessage) (rows []json.RawMessage, err error) {
	err = c.lasting().ask(ctx, http.MethodPost, "/data/query", request, &rows)
	return rows, err
}

// Import sends rows into a table.
func (c *Client) Import(ctx context.Context, table string, mode ImportMode, rows io.Reader) (n Imported, err error) {
	err = c.lasting().ask(ctx, http.MethodPost, "/data/rows?"+url.Values{"table": {table}, "mode": {string(mode)}}.Encode(), rows, &n)
	return n, err
}

// Export asks for all rows of tables.
func (c *Client) Export(ctx context.Context, tables []string, fn func(table string, row []byte) error) error {
	c = c.lasting()
	res, err := c.send(ctx, c.http, http.MethodGet, "/data/rows?"+url.Values{"table": tables}.Encode(), nil)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	table := ""
	for lines := json.NewDecoder(res.Body); ; {
		var line json.RawMessage
		switch err := lines.Decode(&line); {
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return errors.New("the host has ended before all rows were there")
		case err != nil:
			return badAnswer(err)
		}
		m := jsontext.MembersOf(line)
		if !m.Next() {
			return badAnswer(errors.New("a line without a row"))
		}
		switch string(m.Key) {
		case endKey:
			return nil
		case errorKey:
			var f failure
			if err := json.Unmarshal(m.Value, &f); err != nil {
				return badAnswer(err)
			}
			return wire.E(f.Code, f.Message)
		case tableKey:
			if table, err = jsontext.Str(m.Value); err == nil {
				err = fn(table, nil)
			}
		default:
			err = fn(table, line)
		}
		if err != nil {
			return err
		}
	}
}
