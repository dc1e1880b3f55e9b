package wire_test

import (
	"bytes"
	"testing"

	"goop/shared/jsontext"
	"goop/shared/wire"
)

// FuzzDecode feeds lines to everything that reads what the far side sent. What is understood can be
// written, is then one line of JSON, and is understood again as the same.
func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"type":"msg","group":"lobby","since":{"epoch":"x","seq":1},"caps":["delta"],"payload":[1,{"a":null}]}`))
	f.Add([]byte(`{"type":"welcome","payload":{"epoch":"E","you":{"peer":"p"},"members":[{"peer":"x","meta":{}}],"limits":{"line":1}}}`))
	f.Add([]byte(`{"type":"members","payload":{"version":1,"left":[{"peer":"p","reason":"left"}],"joined":[]}}`))
	f.Add([]byte(`{"type":"error","payload":{"code":"full","fatal":true,"retryAfter":5}}`))
	f.Add([]byte(usual))
	f.Add([]byte("{\"type\":\"msg\",\"type\":\"\\ud800\",\"payload\": \t1 }"))
	for _, g := range readGolden(f) {
		f.Add([]byte(g.Line))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		sameMsg(t, line)
		frame, err := wire.Decode(line)
		if err != nil {
			return
		}
		_ = frame.Validate(wire.DefaultLimits())
		p, err := payload(&frame)
		if err == nil && p != nil {
			if text := p.Append(nil); jsontext.Check(text) != nil {
				t.Errorf("payload %s was written as %q", frame.Payload, text)
			}
		}
		if bytes.ContainsAny(line, "\r\n") {
			return // such white space would end the line; it cannot come in one
		}
		once := frame.Append(nil)
		if n := bytes.IndexByte(once, '\n'); n != len(once)-1 || jsontext.Check(once) != nil {
			t.Fatalf("%q was written as %q", line, once)
		}
		again, err := wire.Decode(once[:len(once)-1])
		if err != nil {
			t.Fatalf("%q: %v", once, err)
		}
		if twice := again.Append(nil); !bytes.Equal(once, twice) {
			t.Errorf("%q was written as %q and then as %q", line, once, twice)
		}
	})
}
