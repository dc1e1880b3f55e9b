package member

import "context"

// Store keeps rows from one visit to the next: the browser's IndexedDB, or whatever a native client
// has. Several members may use one at the same time, in several processes; the transactions of one
// member are made in the order of its calls. Without one, or when it
// fails, everything that waits is kept in memory alone.
type Store interface {
	// Update makes one transaction. It reads what the scans name, hands that to change, one list for each
	// scan in the order of the keys, and writes the rows that change returns. What change returns must
	// depend on what it was handed alone, and it does not block. Without scans the writing has begun
	// before Update waits for anything: a page that is about to be gone has no time.
	Update(ctx context.Context, scans []Scan, change func(found [][]Row) []Row) error
}

// Row is one row of a Store.
type Row struct {
	Key   string
	Value string // "" for a row to be deleted, and where the keys alone were asked for
}

// Scan names the rows whose keys begin with Prefix.
type Scan struct {
	Prefix string
	Values bool // else the keys are enough
}
