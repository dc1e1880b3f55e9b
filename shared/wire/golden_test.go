package wire_test

import (
	"bufio"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"goop/shared/wire"
)

// golden is one line of testdata/frames.jsonl, which the JavaScript tests read too.
type golden struct{ Name, Way, Line string }

func readGolden(t testing.TB) []golden {
	t.Helper()
	file, err := os.Open("testdata/frames.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var all []golden
	for lines := bufio.NewScanner(file); lines.Scan(); {
		var g golden
		if err := json.Unmarshal(lines.Bytes(), &g); err != nil {
			t.Fatalf("line %d: %v", len(all)+1, err)
		}
		all = append(all, g)
	}
	return all
}

// appender is a payload that has been read and can be written again.
type appender interface{ Append([]byte) []byte }

// payload reads the payload of a frame from the host, nil when it has none that is the protocol's own.
func payload(f *wire.Frame) (appender, error) {
	if f.Payload == nil {
		return nil, nil
	}
	switch f.Type {
	case wire.TypeWelcome:
		p, err := wire.ParseWelcome(f.Payload)
		return &p, err
	case wire.TypeMembers:
		p, err := wire.ParseRoster(f.Payload)
		return &p, err
	case wire.TypeState:
		p, err := wire.ParseSnapshot(f.Payload)
		return &p, err
	case wire.TypeClose:
		p, err := wire.ParseGoodbye(f.Payload)
		return &p, err
	case wire.TypeError:
		return wire.ParseError(f.Payload)
	}
	return nil, nil
}

// TestGoldenFrames reads every golden frame and writes it again.
func TestGoldenFrames(t *testing.T) {
	t.Parallel()
	covered := map[string]bool{}
	for _, g := range readGolden(t) {
		t.Run(g.Way+" "+g.Name, func(t *testing.T) {
			f, err := wire.Decode([]byte(g.Line))
			if err != nil {
				t.Fatal(err)
			}
			covered[g.Way+" "+string(f.Type)] = true
			if g.Way == "M>H" {
				if err := f.Validate(wire.DefaultLimits()); err != nil {
					t.Errorf("Validate: %v", err)
				}
			} else if p, err := payload(&f); err != nil {
				t.Errorf("payload: %v", err)
			} else if p != nil {
				if got := string(p.Append(nil)); got != string(f.Payload) {
					t.Errorf("payload\ngot  %s\nwant %s", got, f.Payload)
				}
			}
			want := g.Line + "\n"
			if got := string(f.Append(nil)); got != want && !strings.HasSuffix(g.Name, "another tab") { // has its id at the end
				t.Errorf("\ngot  %s\nwant %s", got, want)
			}
		})
	}
	for _, row := range []string{
		"M>H join", "H>M welcome", "H>M members", "M>H msg", "H>M msg", "M>H state", "H>M state", "M>H leave",
		"H>M close", "H>M error",
	} {
		if !covered[row] {
			t.Errorf("no golden frame for %s", row)
		}
	}
}
