package idb

import (
	"context"
	"sync"
	"syscall/js"

	"goop/shared/member"
)

// Store is a member.Store in a database of this origin, which it opens when it is first needed.
type Store struct {
	name string

	// mu guards db; it is held while the database is opened.
	mu sync.Mutex
	db *DB
}

var _ member.Store = (*Store)(nil)

// NewStore returns a store in the database of that name.
func NewStore(name string) *Store { return &Store{name: name} }

// Update implements member.Store. A database that the browser has closed meanwhile is opened anew.
func (s *Store) Update(ctx context.Context, scans []member.Scan, change func([][]member.Row) []member.Row) error {
	db, err := s.open(ctx)
	if err != nil {
		return err
	}
	if err = db.update(ctx, scans, change); err == nil || ctx.Err() != nil {
		return err
	}
	s.close(db)
	if db, err = s.open(ctx); err != nil {
		return err
	}
	return db.update(ctx, scans, change)
}

func (s *Store) open(ctx context.Context) (*DB, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.db == nil {
		db, err := Open(ctx, s.name)
		if err != nil {
			return nil, err
		}
		s.db = db
	}
	return s.db, nil
}

func (s *Store) close(db *DB) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.db == db {
		s.db = nil
		db.Close()
	}
}

// update is the one transaction of an Update.
func (d *DB) update(ctx context.Context, scans []member.Scan, change func([][]member.Row) []member.Row) error {
	_, err := d.transact(ctx, "readwrite", func(t *transaction) {
		found := make([][]member.Row, len(scans))
		t.scan(scans, found, func() {
			for _, row := range change(found) {
				if row.Value == "" {
					t.store.Call("delete", row.Key)
				} else {
					t.store.Call("put", row.Value, row.Key)
				}
			}
			// A page that is about to be gone will not see the requests end, which would be needed otherwise.
			if t.tx.Get("commit").Type() == js.TypeFunction {
				t.tx.Call("commit")
			}
		})
	})
	return err
}

// scan reads one scan after the other into found, and then runs done.
func (t *transaction) scan(scans []member.Scan, found [][]member.Row, done func()) {
	if len(scans) == 0 {
		done()
		return
	}
	scan := scans[0]
	span := js.Global().Get("IDBKeyRange").Call("bound", scan.Prefix, scan.Prefix+"\uffff")
	t.then(t.store.Call("getAllKeys", span), func(keys js.Value) {
		rows := make([]member.Row, keys.Length())
		for i := range rows {
			rows[i].Key = keys.Index(i).String()
		}
		found[0] = rows
		if !scan.Values {
			t.scan(scans[1:], found[1:], done)
			return
		}
		t.then(t.store.Call("getAll", span), func(values js.Value) {
			for i := range rows {
				if v := values.Index(i); v.Type() == js.TypeString {
					rows[i].Value = v.String()
				}
			}
			t.scan(scans[1:], found[1:], done)
		})
	})
}
