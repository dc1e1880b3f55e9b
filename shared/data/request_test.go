package data_test

import (
	"encoding/json"
	"errors"
	"testing"

	"goop/shared/data"
	"goop/shared/group"
	"goop/shared/wire"
)

func TestGoldenRequests(t *testing.T) {
	t.Parallel()
	type request struct {
		Name, Text, Message string
		Line                json.RawMessage
		ID                  *int64
		Fatal               bool
		Error               wire.Code
	}
	seen := map[data.Op]bool{}
	for _, tt := range golden[request](t, "requests.jsonl") {
		line := tt.Line
		if line == nil {
			line = []byte(tt.Text)
		}
		r, err := data.DecodeRequest(line)
		if tt.Error == "" {
			if err != nil {
				t.Errorf("%s: %v", tt.Name, err)
			}
			seen[r.Op] = true
			continue
		}
		e, ok := errors.AsType[*wire.Error](err)
		if !ok {
			t.Errorf("%s: got %v, want %s", tt.Name, err, tt.Error)
			continue
		}
		if e.Code != tt.Error || e.Fatal != tt.Fatal || tt.Message != "" && e.Message != tt.Message {
			t.Errorf("%s: got %+v", tt.Name, e)
		}
		if r.HasID != (tt.ID != nil) || tt.ID != nil && *tt.ID != r.ID {
			t.Errorf("%s: got id %d (%v), want %v", tt.Name, r.ID, r.HasID, tt.ID)
		}
	}
	for op := range data.Shapes {
		if !seen[op] {
			t.Errorf("no golden request has the op %s", op)
		}
	}
}

func TestTimeRequest(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]int64{
		`{"id":1,"op":"time"}`: 1, `{"id":120,"op":"time"}`: 120, `{"id":123456789012345,"op":"time"}`: 123456789012345,
		`{"id":1234567890123456,"op":"time"}`: 0, `{"id":0,"op":"time"}`: 0, `{"id":01,"op":"time"}`: 0, `{"id":-1,"op":"time"}`: 0,
		`{"id":,"op":"time"}`: 0, `{"id":1.5,"op":"time"}`: 0, `{"id":1, "op":"time"}`: 0, `{"id":1,"op":"tim"}`: 0, `{"op":"time","id":1}`: 0, ``: 0,
	} {
		if id, ok := data.TimeRequest([]byte(line)); id != want || ok != (want != 0) {
			t.Errorf("%s: got %d, %v, want %d", line, id, ok, want)
		}
	}
}

func TestDecodedRequest(t *testing.T) {
	t.Parallel()
	r, err := data.DecodeRequest([]byte(`{"id":8,"op":"query","table":"moves","where":{"game":"a"},"order":["-_id","ply"],"limit":50,"offset":10,"columns":[]}`))
	if err != nil {
		t.Fatal(err)
	}
	if r.ID != 8 || r.Op != data.OpQuery || r.Table != "moves" || string(r.Where) != `{"game":"a"}` || len(r.Order) != 2 ||
		r.Limit != 50 || !r.HasLimit || r.Offset != 10 || r.Columns == nil {
		t.Errorf("got %+v", r)
	}
}

func TestWriteKeyIgnoresTheID(t *testing.T) {
	t.Parallel()
	key := func(line string) string {
		r, err := data.DecodeRequest([]byte(line))
		if err != nil {
			t.Fatal(err)
		}
		return string(r.WriteKey().Request)
	}
	a := key(`{"id":1,"op":"insert","table":"t","values":{"a":1},"key":"0123456789abcdef"}`)
	if b := key(`{"key":"0123456789abcdef","values":{ "a": 1 },"op":"insert","table":"t","id":2}`); a != b {
		t.Errorf("a repeat is another request: %s, %s", a, b)
	}
	for _, other := range []string{
		`{"id":1,"op":"insert","table":"t","values":{"a":2},"key":"0123456789abcdef"}`,
		`{"id":1,"op":"insert","table":"u","values":{"a":1},"key":"0123456789abcdef"}`,
		`{"id":1,"op":"update","table":"t","row":1,"values":{"a":1},"key":"0123456789abcdef"}`,
	} {
		if a == key(other) {
			t.Errorf("another request counts as a repeat: %s", other)
		}
	}
}

// What a request of one of these ops asks for is in its key, but for the token, which is written nowhere.
func TestWriteKeyOfGroupOps(t *testing.T) {
	t.Parallel()
	seen := map[string]string{}
	for _, line := range []string{
		`{"id":1,"op":"group.invite","group":"g","key":"0123456789abcdef"}`,
		`{"id":1,"op":"group.invite","group":"h","key":"0123456789abcdef"}`,
		`{"id":1,"op":"group.invite","group":"g","uses":2,"key":"0123456789abcdef"}`,
		`{"id":1,"op":"group.invite","group":"g","expires":2,"key":"0123456789abcdef"}`,
		`{"id":1,"op":"group.invite","group":"g","role":"viewer","key":"0123456789abcdef"}`,
		`{"id":1,"op":"group.invite","group":"g","peer":"p","key":"0123456789abcdef"}`,
		`{"id":1,"op":"group.revoke","group":"g","invite":"i","key":"0123456789abcdef"}`,
		`{"id":1,"op":"group.revoke","group":"g","token":"SECRETSECRET","key":"0123456789abcdef"}`,
		`{"id":1,"op":"group.kick","group":"g","peer":"p","key":"0123456789abcdef"}`,
		`{"id":1,"op":"group.kick","group":"g","peer":"q","key":"0123456789abcdef"}`,
		`{"id":1,"op":"group.kick","group":"g","peer":"p","message":"m","key":"0123456789abcdef"}`,
		`{"id":1,"op":"group.ban","group":"g","peer":"p","key":"0123456789abcdef"}`,
		`{"id":1,"op":"group.setRole","group":"g","peer":"p","role":"viewer","key":"0123456789abcdef"}`,
		`{"id":1,"op":"group.setRole","group":"g","peer":"p","role":"member","key":"0123456789abcdef"}`,
	} {
		r, err := data.DecodeRequest([]byte(line))
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		key := string(r.WriteKey().Request)
		if other, ok := seen[key]; ok {
			t.Errorf("%s counts as a repeat of %s", line, other)
		}
		if seen[key] = line; contains(key, "SECRETSECRET") {
			t.Errorf("the token is in %s", key)
		}
		if !r.Manages() {
			t.Errorf("%s does not manage a group", r.Op)
		}
	}
	r, err := data.DecodeRequest([]byte(`{"id":1,"op":"group.revoke","group":"g","token":"SECRETSECRET","key":"0123456789abcdef"}`))
	if want := group.IDOf(group.HashToken("SECRETSECRET")); err != nil || r.Revokes() != want {
		t.Errorf("got %q, %v, want %q", r.Revokes(), err, want)
	}
}

func TestSecretsAreNotInErrors(t *testing.T) {
	t.Parallel()
	for _, line := range []string{`{"id":1,"op":"claim","secret":7012}`, `{"id":1,"op":"remove","table":"t","row":1,"key":"7012"}`,
		`{"id":1,"op":"group.revoke","group":"g","key":"0123456789abcdef","token":7012}`} {
		_, err := data.DecodeRequest([]byte(line))
		if err == nil {
			t.Fatalf("%s is accepted", line)
		}
		if got := err.Error(); contains(got, "7012") {
			t.Errorf("got %s", got)
		}
	}
}

func FuzzDecodeRequest(f *testing.F) {
	f.Add([]byte(`{"id":8,"op":"query","table":"moves","where":{"game":"a"},"order":["-_id"],"limit":50,"offset":10,"columns":["san"]}`))
	f.Add([]byte(`{"id":1,"op":"insert","table":"t","values":{"a":1,"j":{"x":[]},"b":"AA=="},"key":"0123456789abcdef"}`))
	f.Add([]byte(`{"id":1,"op":"watch","table":"t","where":{"or":[{"a":{"in":[1,null]}},{"not":{"s":{"like":"%"}}}]}}`))
	f.Add([]byte(`{"id":1,"op":"group.invite","group":"g","role":"viewer","uses":2,"expires":9,"key":"0123456789abcdef"}`))
	f.Add([]byte(`{"id":1,"op":"group.kick","group":"g","peer":"p","message":"m","key":"0123456789abcdef"}`))
	f.Add([]byte(`{"id":1,"op":"group.history","group":"g","before":7,"limit":500,"states":true}`))
	f.Add([]byte(`{"id":123456,"op":"time"}`))
	f.Add([]byte(`{"id":0123456,"op":"time"}`))
	table := tableT(f)
	f.Fuzz(func(t *testing.T, line []byte) {
		r, err := data.DecodeRequest(line)
		if id, ok := data.TimeRequest(line); ok && (err != nil || r.Op != data.OpTime || r.ID != id) {
			t.Fatalf("%s is taken for a request %d for the time, got %+v, %v", line, id, r, err)
		}
		if err != nil {
			e, ok := errors.AsType[*wire.Error](err)
			if !ok || e.Message == "" {
				t.Fatalf("got %#v", err)
			}
			return
		}
		if !r.HasID {
			t.Fatal("a request without an id is accepted")
		}
		if r.Op.Writes() && !json.Valid(r.WriteKey().Request) {
			t.Fatalf("the key's request is %s", r.WriteKey().Request)
		}
		if r.Op == data.OpHistory && (r.Limit < 1 || r.Limit > data.MaxHistory || r.Before < 0) {
			t.Fatalf("got limit %d before %d", r.Limit, r.Before)
		}
		if r.Role != "" && !group.Grantable(r.Role) {
			t.Fatalf("got the role %q", r.Role)
		}
		if r.Where != nil || r.Order != nil || r.HasLimit {
			if q, err := table.Query(&r); err == nil && (q.Limit < 1 || q.Limit > data.MaxRows) {
				t.Fatalf("got limit %d", q.Limit)
			}
		}
		if r.Values != nil {
			if row, err := table.NewRow(r.Values); err == nil {
				if got := table.Row(nil, row); !json.Valid(got.JSON) {
					t.Fatalf("%s makes the row %s", r.Values, got.JSON)
				}
			}
		}
	})
}
