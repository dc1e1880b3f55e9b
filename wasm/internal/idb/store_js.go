package idb

import (
	"context"
	"sync"
	"syscall/js"

	"goop/shared/member"
)

// Store is a database of this origin. It is a member.Store for rows of text, and has any values beside them.
//
// A database that the browser has closed meanwhile is opened anew.
type Store struct {
	name string

	// mu guards opening, which is nil when the next use has to begin.
	mu      sync.Mutex
	opening *opening
}

var _ member.Store = (*Store)(nil)

// NewStore returns the store in the database of that name, which it begins to open.
func NewStore(name string) *Store { return &Store{name: name, opening: open(name)} }

// Update implements member.Store.
func (s *Store) Update(ctx context.Context, scans []member.Scan, change func([][]member.Row) []member.Row) error {
	return s.use(ctx, func(db *database) error { return db.update(ctx, scans, change) })
}

// Get returns the value under a key, and undefined where there is none.
func (s *Store) Get(ctx context.Context, key string) (value js.Value, err error) {
	err = s.use(ctx, func(db *database) (err error) {
		value, err = db.get(ctx, key)
		return err
	})
	return value, err
}

// Add stores a value unless the key has one already, in one transaction, and returns the value that
// the key has now: of two tabs that add at once, both get the first one's.
func (s *Store) Add(ctx context.Context, key string, value js.Value) (now js.Value, err error) {
	err = s.use(ctx, func(db *database) (err error) {
		now, err = db.add(ctx, key, value)
		return err
	})
	return now, err
}

// use runs do with the open database, and once more when it fails, for then it may have been closed.
func (s *Store) use(ctx context.Context, do func(*database) error) error {
	for again := false; ; again = true {
		o, err := s.opened(ctx)
		if err != nil {
			return err
		}
		if err := do(o.db); err == nil || ctx.Err() != nil || again {
			return err
		}
		s.forget(o)
		o.db.close()
	}
}

// opened waits until the database is open.
func (s *Store) opened(ctx context.Context) (*opening, error) {
	s.mu.Lock()
	if s.opening == nil {
		s.opening = open(s.name)
	}
	o := s.opening
	s.mu.Unlock()
	select {
	case <-o.done:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	if o.err != nil {
		s.forget(o)
	}
	return o, o.err
}

// forget has the next use begin anew.
func (s *Store) forget(o *opening) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.opening == o {
		s.opening = nil
	}
}

// update is the one transaction of an Update.
func (d *database) update(ctx context.Context, scans []member.Scan, change func([][]member.Row) []member.Row) error {
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
