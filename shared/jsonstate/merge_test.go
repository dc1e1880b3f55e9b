package jsonstate_test

import (
	"bufio"
	"encoding/json"
	"os"
	"reflect"
	"testing"

	"goop/shared/jsonstate"
)

// mergeVector is a line of merge.jsonl: what a state becomes through a patch.
type mergeVector struct {
	Name                  string
	Target, Patch, Result json.RawMessage
}

func mergeVectors(t testing.TB) (vectors []mergeVector) {
	t.Helper()
	file, err := os.Open("../wire/testdata/merge.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		var v mergeVector
		if err := json.Unmarshal(lines.Bytes(), &v); err != nil {
			t.Fatalf("%s: %v", lines.Bytes(), err)
		}
		vectors = append(vectors, v)
	}
	if err := lines.Err(); err != nil || len(vectors) == 0 {
		t.Fatalf("merge.jsonl has %d vectors: %v", len(vectors), err)
	}
	return vectors
}

// TestMergeVectors folds the vectors that the JavaScript tests fold too: a page and its host have to
// come to the same state.
func TestMergeVectors(t *testing.T) {
	t.Parallel()
	for _, v := range mergeVectors(t) {
		t.Run(v.Name, func(t *testing.T) {
			state, err := jsonstate.Parse(v.Target)
			if err != nil {
				t.Fatal(err)
			}
			next, err := state.Merge(v.Patch)
			if err != nil {
				t.Fatal(err)
			}
			if got, want := plain(t, next.Text()), plain(t, v.Result); !reflect.DeepEqual(got, want) {
				t.Errorf("got %s, want %s", next.Text(), v.Result)
			}
			if got := len(next.Text()); got != next.Size() {
				t.Errorf("the text has %d bytes, Size says %d", got, next.Size())
			}
			if got, want := plain(t, state.Text()), plain(t, v.Target); !reflect.DeepEqual(got, want) {
				t.Errorf("the state before the patch: got %s, want %s", state.Text(), v.Target)
			}
		})
	}
}

func plain(t *testing.T, text []byte) (v any) {
	t.Helper()
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return v
}
