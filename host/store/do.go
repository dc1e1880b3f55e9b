package store

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"time"

	"goop/shared/data"
	"goop/shared/group"
	"goop/shared/jsontext"
	"goop/shared/wire"
)

const (
	// maxChanged is how many rows one request changes at most, those included that hang on others which
	// it removes.
	maxChanged = 10_000
	// maxWhere is how many rows one updateWhere or removeWhere changes at most.
	maxWhere = 1000
	// moveAttempts is how often a request is begun when rows come to other groups under its hands.
	moveAttempts = 4
)

// errMoved tells that a row has another group than the one that the caller's rights were asked for.
var errMoved = errors.New("store: the row has another group now")

// Do makes changes, all of them or none, within the caller's rights and unless they have been made under
// the same key before: then it returns the answers of that time, whatever has become of the rows and the
// rights. An error of one of several says which.
//
// The answer to a write of one row has the row as it is stored, without what is hidden from the caller.
// Who writes knows what he wrote, so that he gets it even when he may not read the row; but of a row that
// stood there before, and that he may update as its author and not read, only the columns that he set.
func (ts *Tables) Do(ctx context.Context, c group.Caller, k data.WriteKey, writes []data.Write) ([][]byte, error) {
	d, err := ts.request(c, k, writes)
	if err != nil {
		return nil, err
	}
	if d.looks && !c.Owner {
		done, err := ts.turns.take(ctx, c.Peer)
		if err != nil {
			return nil, err
		}
		defer func() { done(d.took) }()
	}
	for range moveAttempts {
		if err = d.prepare(ctx); err != nil {
			return nil, err
		}
		if err = ts.db.writeBoldly(ctx, d.run); !errors.Is(err, errMoved) {
			break
		}
	}
	if err != nil {
		// What ran out of time or room was done boldly, and may not have come to its key.
		if found, _ := d.before(ctx); !found {
			return nil, settled(err)
		}
	}
	return d.answers, nil
}

// before finds the answers of a request that was done before under the same key.
func (d *request) before(ctx context.Context) (found bool, err error) {
	var answer []byte
	err = d.ts.db.Read(ctx, func(tx *ReadTx) error {
		answer, found, err = tx.answered(&d.key, tx.Now())
		return err
	})
	if found = found && err == nil; found {
		d.answers = d.split(answer)
	}
	return found, err
}

// settled gives an errMoved that has come too often a code.
func settled(err error) error {
	if !errors.Is(err, errMoved) {
		return err
	}
	return wire.E(wire.Conflict, "a row was put into another group while this was looked at; send the request again")
}

// request is what a caller wants done in one transaction.
type request struct {
	ts     *Tables
	caller group.Caller
	key    onceKey
	steps  []step
	looks  bool // rows are looked for by a condition

	// The following are set anew by each prepare: what is asked of others, and SQL, is made outside of
	// the transaction, on which everybody waits.
	rights  *rights
	targets map[*table]*probe // of the tables that values reference

	// The following are set anew by each run.
	tx      *Tx
	limit   *limit // of what looks for rows; nil for that of tx
	changes budget
	answers [][]byte

	took time.Duration // for which all runs together have held the writer, when rows are looked for
}

// bound sets how long rows are looked for.
func (d *request) bound() {
	if d.limit = nil; !d.caller.Owner {
		d.limit = &limit{Context: context.Background(), end: time.Now().Add(min(lookTime, d.ts.db.limits.WriteTimeout))}
	}
}

// step is one of the changes.
type step struct {
	*data.Write
	t     *table
	shape *data.Table // t as the caller knows it

	id   int64 // of the row that it has inserted, updated or found; 0 before it has run
	test tests
}

func (ts *Tables) request(c group.Caller, k data.WriteKey, writes []data.Write) (*request, error) {
	d := &request{ts: ts, caller: c, key: newOnceKey(c.Peer, k), steps: make([]step, len(writes))}
	for i := range writes {
		s := &d.steps[i]
		s.Write = &writes[i]
		d.looks = d.looks || s.Op == data.OpUpdateWhere || s.Op == data.OpRemoveWhere
		if s.Op == data.OpSend {
			continue
		}
		var err error
		if s.t, err = ts.table(s.Table); err != nil {
			return nil, err
		}
		s.shape = s.t.For(c)
	}
	return d, nil
}

// run does all of it in a transaction. It may be called again with another one.
func (d *request) run(tx *Tx) error {
	if d.looks {
		start := time.Now()
		defer func() { d.took += time.Since(start) }()
		d.bound()
	}
	if !tx.bold { // else a repeat is found in the end, by its key that is taken
		answer, found, err := tx.answered(&d.key, tx.now)
		if err != nil {
			return err
		}
		if found {
			d.answers = d.split(answer)
			return nil
		}
	}
	if err := d.do(tx, nil); err != nil {
		return err
	}
	return tx.keep(&d.key, d.joined())
}

// do makes the changes. sent is the answer of the send among them, if there is one.
func (d *request) do(tx *Tx, sent []byte) error {
	d.tx, d.changes = tx, maxChanged
	d.answers = make([][]byte, len(d.steps))
	for i := range d.steps {
		d.steps[i].id = 0
	}
	size := 0
	for i := range d.steps {
		s := &d.steps[i]
		if s.Op == data.OpSend {
			d.answers[i] = sent
			continue
		}
		answer, err := d.step(s)
		if err != nil {
			return d.about(i, err)
		}
		d.answers[i] = answer
		size += len(answer)
		if size > data.MaxResult && len(d.steps) > 1 || size > 2*data.MaxResult { // long defaults of many rows, for one
			return wire.E(wire.TooLarge, "the answers to these operations, with their rows, are more than 1 MiB; do fewer at once")
		}
	}
	return nil
}

func (d *request) step(s *step) ([]byte, error) {
	switch s.Op {
	case data.OpInsert:
		return d.insert(s)
	case data.OpInsertMany:
		return d.insertMany(s)
	case data.OpUpdate, data.OpIncrement:
		return d.update(s)
	case data.OpUpdateWhere:
		return d.updateWhere(s)
	case data.OpRemove:
		return d.remove(s)
	case data.OpRemoveWhere:
		return d.removeWhere(s)
	case data.OpUpsert:
		return d.upsert(s)
	}
	return nil, wire.E(wire.NotSupported, `this host does not have "`, string(s.Op), `" in a batch`)
}

// about says in an error which of several changes it is about.
func (d *request) about(i int, err error) error {
	e, ok := errors.AsType[*wire.Error](err)
	if !ok || len(d.steps) == 1 {
		return err
	}
	return data.InOperation(i, e)
}

// joined returns the answers as one text, to be kept; split takes it apart again.
func (d *request) joined() []byte {
	if len(d.answers) == 1 {
		return d.answers[0]
	}
	w := jsontext.Writer{}
	w.Begin('[')
	for _, a := range d.answers {
		w.Raw(a)
	}
	w.End(']')
	return w.B
}

func (d *request) split(kept []byte) [][]byte {
	if len(d.steps) == 1 {
		return [][]byte{kept}
	}
	answers := make([][]byte, 0, len(d.steps))
	for e := jsontext.ElementsOf(kept); e.Next(); {
		answers = append(answers, slices.Clone(e.Value))
	}
	return answers
}

// value returns what a value of the request stands for: itself, or the _id of a row of an earlier step.
func (d *request) value(v data.Value) (data.Value, error) {
	if v.Type != data.Earlier {
		return v, nil
	}
	if v.N < 0 || v.N >= int64(len(d.steps)) || d.steps[v.N].id == 0 {
		return v, wire.E(wire.InvalidValue, `{"$row":`, strconv.FormatInt(v.N, 10), `} stands for the row of an insert before this operation, and that one has none`)
	}
	return data.IntegerValue(d.steps[v.N].id), nil
}

// row makes the row of an answer, of all columns for nil.
func (s *step) row(columns []int, row []data.Value) []byte {
	if columns == nil {
		return s.shape.Row(nil, row).JSON
	}
	values := make([]data.Value, len(columns))
	for i, c := range columns {
		values[i] = row[c]
	}
	return s.shape.Row(columns, values).JSON
}

// field makes an object with one field.
func field(key string, raw []byte) []byte {
	w := jsontext.Writer{B: make([]byte, 0, len(key)+len(raw)+6)}
	w.Begin('{')
	w.Key(key)
	w.Raw(raw)
	w.End('}')
	return w.B
}

func answerCount(key string, n int) []byte {
	return field(key, strconv.AppendInt(nil, int64(n), 10))
}

// budget is how many rows may still be changed.
type budget int

// take counts one more row.
func (b *budget) take() error {
	if *b--; *b < 0 {
		return wire.E(wire.LimitExceeded, "this changes more than ", strconv.Itoa(maxChanged),
			" rows, with those that hang on rows that are removed; change less at once")
	}
	return nil
}
