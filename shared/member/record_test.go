package member

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"goop/shared/group"
	"goop/shared/wire"
)

var testBox = box{"12D3KooWHost", "12D3KooWSelf", "club"}

func TestRecords(t *testing.T) {
	t.Parallel()
	ifSeq := int64(0)
	for _, tt := range []struct {
		name  string
		frame wire.Frame
		tried attempt
	}{
		{"a message", wire.Frame{Type: wire.TypeMsg, ID: "a1", Payload: []byte(`{"text":"\"é\u2028","n":[1, 2]}`)}, attempt{}},
		{"sent before", wire.Frame{Type: wire.TypeMsg, ID: "a1", To: "12D3KooWOther", Payload: []byte(`null`)}, attempt{0, 7}},
		{"a patch", wire.Frame{Type: wire.TypeState, ID: "a1", IfSeq: &ifSeq, Patch: []byte(`{"k":null}`)}, attempt{12, 1 << 41}},
		{"a redaction", wire.Frame{Type: wire.TypeMsg, ID: "a1", Redact: 17}, attempt{}},
	} {
		line := tt.frame.Append(nil)
		text := record{"e1", tt.tried, line}.text()
		r, f, err := parseRecord("a1", text)
		if err != nil || r.epoch != "e1" || r.tried != tt.tried || !bytes.Equal(r.line, line) || f.Type != tt.frame.Type {
			t.Errorf("%s: got %+v, %v from %s", tt.name, r, err, text)
		}
		k := keptKey{"owner", 946684800000000, "a1", len(line)}
		if got, ok := parseKey(strings.TrimPrefix(testBox.key(k), testBox.entries())); !ok || got != k {
			t.Errorf("%s: got %v, %v, want %v", tt.name, got, ok, k)
		}
	}
	for name, text := range map[string]string{
		"nothing":            ``,
		"no JSON":            `{"epoch"`,
		"no object":          `[]`,
		"no frame":           `{"epoch":"e1"}`,
		"no epoch":           `{"frame":{"type":"msg","id":"a1","payload":1}}`,
		"another id":         `{"epoch":"e1","frame":{"type":"msg","id":"a2","payload":1}}`,
		"another type":       `{"epoch":"e1","frame":{"type":"leave","id":"a1"}}`,
		"a volatile message": `{"epoch":"e1","frame":{"type":"msg","id":"a1","payload":1,"volatile":true}}`,
		"no payload":         `{"epoch":"e1","frame":{"type":"msg","id":"a1"}}`,
		"a patch of numbers": `{"epoch":"e1","frame":{"type":"state","id":"a1","patch":1}}`,
		"a negative time":    `{"epoch":"e1","time":-1,"frame":{"type":"msg","id":"a1","payload":1}}`,
		"a time of text":     `{"epoch":"e1","time":"1","frame":{"type":"msg","id":"a1","payload":1}}`,
	} {
		if _, _, err := parseRecord("a1", text); err == nil {
			t.Errorf("%s is taken for an entry", name)
		}
	}
	for _, key := range []string{
		"", "o/0946684800000000/a1", "o/0946684800000000/a1/9/9", "o/946684800000000/a1/9", "o/094668480000000x/a1/9",
		"o/0946684800000000/a1/0", "o/0946684800000000/a1/09", "o/0946684800000000/a 1/9", "/0946684800000000/a1/9",
	} {
		if k, ok := parseKey(key); ok {
			t.Errorf("%q is taken for the key %v", key, k)
		}
	}
}

// What is repeated must be well within what hosts recognise.
func TestRepeatsAreRecognised(t *testing.T) {
	t.Parallel()
	if repeatFor+30*time.Minute > group.KeepIDs*time.Millisecond || repeatCount+500 > group.KeepIDCount {
		t.Errorf("%v, %d entries are too much", repeatFor, repeatCount)
	}
}

// FuzzLook reads rows as some other program may have left them: whatever they are, a second look finds
// as much as the first, all of which can be sent, and nothing that could not be read is left.
func FuzzLook(f *testing.F) {
	line := []byte(`{"type":"msg","id":"a1","payload":1}` + "\n")
	good := record{"e1", attempt{3, 4}, line}.text()
	key := strings.TrimPrefix(testBox.key(keptKey{"other", 2_000_000_000_000, "a1", len(line)}), testBox.entries())
	f.Add(key, good, "other", "L1")
	f.Add(key, good, "other", "T1000000000")
	f.Add(key, good, "me", "L99999999999999")
	f.Add(key, `{"epoch":"e1","frame":{"type":"state","id":"a1","patch":{"a":null}}}`, "other", "")
	f.Add("other/0000000000000001/a1/5", good, "", "x")
	f.Fuzz(func(t *testing.T, key, text, owner, lease string) {
		rows := map[string]string{testBox.entries() + key: text, testBox.leases() + owner: lease}
		run := func() *look {
			l := &look{box: testBox, owner: "me", ms: 2_000_000_000, take: true, tried: attempt{1, 2}}
			var found [][]Row
			for _, scan := range l.scans() {
				var some []Row
				for k, v := range rows {
					if strings.HasPrefix(k, scan.Prefix) && v != "" {
						some = append(some, Row{k, v})
					}
				}
				found = append(found, some)
			}
			for _, row := range l.change(found) {
				if row.Value == "" {
					delete(rows, row.Key)
				} else {
					rows[row.Key] = row.Value
				}
			}
			return l
		}
		l := run()
		for _, e := range l.found {
			if _, err := wire.Decode(e.line); err != nil || bytes.Count(e.line, []byte{'\n'}) != 1 {
				t.Errorf("%q cannot be sent: %v", e.line, err)
			}
			if _, ok := rows[e.key]; !ok {
				t.Errorf("%q is not stored any more", e.key)
			}
		}
		l.owner = "another"
		again := run()
		if len(again.found) != 0 && !slices.ContainsFunc(l.found, func(e entryRow) bool { return bytes.Equal(e.line, again.found[0].line) }) {
			t.Errorf("a second look finds %q", again.found[0].line)
		}
		if again.damaged != 0 {
			t.Errorf("what is damaged was left: %q", rows)
		}
	})
}
