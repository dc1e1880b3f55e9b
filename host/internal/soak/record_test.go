package soak_test

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"sync"
	"time"
)

// A member writes down what it sees and does, one record a line, in the order in which it happens.
const (
	aWelcome  = "welcome"
	anEntry   = "entry"
	aSkip     = "skip"     // the position moved on over entries for others
	aGap      = "gap"      // it was told that it missed something
	aSnapshot = "snapshot" // the whole state after a gap
	aState    = "state"    // its own fold, at Seq
	anEnd     = "end"      // a close or a fatal error
	aPost     = "post"     // it hands over N
	anAck     = "ack"      // the receipt of N
	aFailure  = "failure"  // N was refused
	aRoster   = "roster"   // whom it sees at the end
	aMark     = "mark"     // the place in the log by which a peer had been thrown out
	aStatus   = "status"   // of the connection
	aWhisper  = "volatile"
)

// record is one line of what a member has seen. What a field means depends on the Kind.
type record struct {
	Kind    string   `json:"kind"`
	At      int64    `json:"at,omitzero"` // milliseconds, by the member's clock
	Group   string   `json:"group,omitzero"`
	Epoch   string   `json:"epoch,omitzero"`
	Seq     int64    `json:"seq,omitzero"`
	To      int64    `json:"to,omitzero"` // of a gap
	Peer    string   `json:"peer,omitzero"`
	Dest    string   `json:"dest,omitzero"` // whom alone an entry is for
	By      string   `json:"by,omitzero"`   // the member that says it has sent this
	N       int      `json:"n,omitzero"`
	Time    int64    `json:"time,omitzero"`
	What    string   `json:"what,omitzero"`  // msg or state, and of its content the hash
	Patch   string   `json:"patch,omitzero"` // of a state entry
	State   string   `json:"state,omitzero"`
	Resumed bool     `json:"resumed,omitzero"`
	Own     bool     `json:"own,omitzero"`
	Code    string   `json:"code,omitzero"`
	Peers   []string `json:"peers,omitzero"`
}

// entryOf returns what identifies an entry, which has to be the same in all logs.
func (r *record) content() string {
	return fmt.Sprintf("%s from %s to %q at %d, number %d of %s", r.What, r.Peer, r.Dest, r.Time, r.N, r.By)
}

// notes is where one member writes.
type notes struct {
	// mu guards the following.
	mu   sync.Mutex
	file *os.File
	buf  *bufio.Writer
}

func openNotes(path string) (*notes, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, err
	}
	return &notes{file: f, buf: bufio.NewWriter(f)}, nil
}

func (n *notes) add(records ...record) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for i := range records {
		records[i].At = time.Now().UnixMilli()
		line, err := json.Marshal(&records[i])
		if err == nil {
			_, err = n.buf.Write(append(line, '\n'))
		}
		if err != nil {
			panic(err) // a member that cannot write down what it sees proves nothing
		}
	}
}

func (n *notes) close() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if err := n.buf.Flush(); err != nil {
		return err
	}
	return n.file.Close()
}

// readNotes reads what a member wrote.
func readNotes(path string) ([]record, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var all []record
	for line := range bytes.Lines(text) {
		var r record
		if err := json.Unmarshal(line, &r); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		all = append(all, r)
	}
	return all, nil
}

// hash is a short name of a content.
func hash(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:6])
}

// canonical returns one text for all objects that say the same.
func canonical(text []byte) string {
	o, err := object(text)
	if err != nil {
		return "no object: " + string(text)
	}
	return textOf(o)
}

func textOf(o map[string]any) string {
	b, err := json.Marshal(o)
	if err != nil {
		panic(err) // it was JSON before
	}
	return string(b)
}

func object(text []byte) (map[string]any, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var o map[string]any
	err := d.Decode(&o)
	return o, err
}

// merge is RFC 7396, word for word.
func merge(target, patch any) any {
	p, ok := patch.(map[string]any)
	if !ok {
		return patch
	}
	t, ok := target.(map[string]any)
	if !ok {
		t = map[string]any{}
	}
	result := map[string]any{}
	maps.Copy(result, t)
	for name, value := range p {
		if value == nil {
			delete(result, name)
		} else {
			result[name] = merge(result[name], value)
		}
	}
	return result
}
