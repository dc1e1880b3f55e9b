package store

// ChangeKind tells what happened to a row.
type ChangeKind byte

const (
	Inserted ChangeKind = iota + 1
	Updated
	Removed
)

// Change is one changed row, recorded in a transaction with Tx.Changed and told to the hooks when it
// has been committed.
type Change struct {
	Table string
	ID    int64 // the row's _id
	Kind  ChangeKind
	Owner string // the row's _owner; "" when who changed the row did not look
}

// Commit is what one COMMIT changed: the changes of all the calls of Write that shared it, in the order
// in which they ran. Nothing of a call that failed is in it.
type Commit struct {
	// Position rises by one from Commit to Commit. A snapshot with a ReadTx.Position of at least this
	// includes the changes, one with less has none of them.
	Position int64
	Changes  []Change
}

// onCommit adds a hook. Hooks are called on the writer's goroutine, in the order of the commits, after
// COMMIT and before any of its calls of Write returns: who has seen a Write return can rely on its
// changes having been told. A hook has to be quick and must not call Write or Read. The slice of changes
// is not used again by the store.
//
// Only commits with changes are told. Hooks stay until Close.
func (db *DB) onCommit(hook func(Commit)) {
	db.mu.Lock()
	defer db.mu.Unlock()
	db.hooks = append(db.hooks[:len(db.hooks):len(db.hooks)], hook)
}

func (db *DB) publish(c Commit) {
	db.mu.Lock()
	hooks := db.hooks
	db.mu.Unlock()
	for _, hook := range hooks {
		hook(c)
	}
}
