package member_test

import (
	"strings"
	"testing"

	"goop/shared/member"
	"goop/shared/wire"
)

// viewOf plays lines of a host to a view.
func viewOf(t *testing.T, lines ...string) *member.View {
	t.Helper()
	v := &member.View{}
	var batch []member.Event
	for _, line := range lines {
		f, err := wire.Decode([]byte(line))
		if err != nil {
			t.Fatal(err)
		}
		e := member.Event{Frame: f, Line: []byte(line)}
		if f.Type == wire.TypeWelcome {
			w, err := wire.ParseWelcome(f.Payload)
			if err != nil {
				t.Fatal(err)
			}
			e.Welcome = &w
		}
		batch = append(batch, e)
	}
	v.Deliver(batch)
	return v
}

func TestView(t *testing.T) {
	t.Parallel()
	const (
		ann     = `{"peer":"ann","role":"member","joined":1}`
		bob     = `{"peer":"bob","role":"member","joined":2}`
		cem     = `{"peer":"cem","role":"member","joined":3}`
		welcome = `{"type":"welcome","payload":{"epoch":"e","members":[` + bob + `,` + ann + `],"count":2,"rosterVersion":5,"state":{"a":1,"b":{"c":2}}}}`
	)
	roster := func(payload string) string { return `{"type":"members","payload":{` + payload + `}}` }
	state := func(rest string) string { return `{"type":"state","seq":1,"from":"ann",` + rest + `}` }
	for _, tt := range []struct {
		name    string
		lines   []string
		members string
		count   int
		state   string
	}{
		{"nothing yet", nil, "", 0, `{}`},
		{"welcome", []string{welcome}, "ann bob", 2, `{"a":1,"b":{"c":2}}`},
		{"patches", []string{welcome, state(`"patch":{"a":null,"b":{"d":3}}`), state(`"patch":{"e":[]}`)}, "ann bob", 2, `{"b":{"c":2,"d":3},"e":[]}`},
		{"a whole state", []string{welcome, state(`"payload":{"epoch":"e","state":{"x":1},"stateSeq":1}`)}, "ann bob", 2, `{"x":1}`},
		{"only the position", []string{welcome, `{"type":"state","seq":9}`}, "ann bob", 2, `{"a":1,"b":{"c":2}}`},
		{"changes", []string{welcome, roster(`"version":6,"joined":[` + cem + `],"updated":[{"peer":"ann","joined":9}],"left":[{"peer":"bob","reason":"left"}],"count":2`)}, "cem ann", 2, `{"a":1,"b":{"c":2}}`},
		{"another whole roster", []string{welcome, roster(`"version":6,"members":[` + cem + `],"count":1`)}, "cem", 1, `{"a":1,"b":{"c":2}}`},
		{"a whole roster in parts", []string{
			welcome, roster(`"version":6,"members":[` + ann + `],"count":2,"more":true`), roster(`"version":6,"members":[` + cem + `],"count":2`),
		}, "ann cem", 2, `{"a":1,"b":{"c":2}}`},
		{"a welcome in parts", []string{
			strings.Replace(welcome, `"count":2`, `"more":true,"count":3`, 1), roster(`"version":5,"members":[` + cem + `],"count":3`),
		}, "ann bob cem", 3, `{"a":1,"b":{"c":2}}`},
		{"parts that another whole roster overtakes", []string{
			welcome, roster(`"version":6,"members":[` + ann + `],"count":2,"more":true`), roster(`"version":7,"members":[` + cem + `],"count":1`),
		}, "cem", 1, `{"a":1,"b":{"c":2}}`},
		{"a mere count", []string{welcome, roster(`"version":6,"members":[],"count":300`)}, "", 300, `{"a":1,"b":{"c":2}}`},
		{"everybody gone", []string{welcome, roster(`"version":6,"members":[],"count":0`)}, "", 0, `{"a":1,"b":{"c":2}}`},
		{"resumed", []string{welcome, `{"type":"welcome","payload":{"epoch":"e","members":[` + cem + `],"count":1,"resumed":true}}`}, "cem", 1, `{"a":1,"b":{"c":2}}`},
		{"welcomed to another log", []string{welcome, `{"type":"welcome","payload":{"epoch":"f","members":[],"count":0,"state":{}}}`}, "", 0, `{}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			v := viewOf(t, tt.lines...)
			list, count := v.Members()
			var peers []string
			for _, m := range list {
				peers = append(peers, string(m.Peer))
			}
			if got := strings.Join(peers, " "); got != tt.members || count != tt.count {
				t.Errorf("members: got %q and %d, want %q and %d", got, count, tt.members, tt.count)
			}
			if got := string(v.State()); got != tt.state {
				t.Errorf("state: got %s, want %s", got, tt.state)
			}
			if err := v.Err(); err != nil {
				t.Error(err)
			}
		})
	}
	for _, line := range []string{state(`"patch":{"a":1,"a":2}`), roster(`"members":1`), state(`"payload":{"state":1}`)} {
		if v := viewOf(t, welcome, line); v.Err() == nil {
			t.Errorf("%s: got no error", line)
		}
	}
}
