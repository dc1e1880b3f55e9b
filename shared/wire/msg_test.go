package wire_test

import (
	"reflect"
	"strings"
	"testing"

	"goop/shared/wire"
)

const usual = `{"type":"msg","group":"lobby","seq":123456,"from":"12D3KooWGzxzKZYveHXtpG6AsrUJBcWxHBFS2HsEoGTxrMLvKXtf","time":1767225600000,"payload":{"s":3,"n":17,"t":123456789,"x":"` + "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" + `"}}`

// frameOf is the frame that a Msg stands for.
func frameOf(m *wire.Msg) wire.Frame {
	return wire.Frame{
		Type: wire.TypeMsg, Group: wire.GroupID(m.Group), Seq: m.Seq, From: wire.PeerID(m.From), Time: m.Time,
		To: wire.PeerID(m.To), Key: string(m.Key), Volatile: m.Volatile, Payload: m.Payload,
	}
}

// sameMsg checks that what DecodeMsg understands, it understands as Decode does.
func sameMsg(t *testing.T, line []byte) bool {
	t.Helper()
	m, ok := wire.DecodeMsg(line)
	if !ok {
		return false
	}
	f, err := wire.Decode(line)
	if err != nil {
		t.Fatalf("%q: Decode says %v", line, err)
	}
	if got := frameOf(&m); !reflect.DeepEqual(got, f) {
		t.Fatalf("%q: got %+v, want %+v", line, got, f)
	}
	return true
}

func TestDecodeMsg(t *testing.T) {
	t.Parallel()
	for _, f := range []wire.Frame{
		{Type: wire.TypeMsg, Payload: []byte(`null`)},
		{Type: wire.TypeMsg, Group: "g", Seq: 1<<53 - 1, From: "p", Time: 1, Payload: []byte(`{"a":[1,-2.5e3,"\u00e9\""],"":true}`)},
		{Type: wire.TypeMsg, Group: "g", From: "p", Time: 7, To: "q", Key: "é", Volatile: true, Payload: []byte(`"` + strings.Repeat("x", 100) + `"`)},
	} {
		line := f.Append(nil)
		if !sameMsg(t, line[:len(line)-1]) {
			t.Errorf("%s is not understood", line)
		}
	}
	for _, line := range []string{
		``, `{"type":"msg"`, `{"type":"msg"}`, `{"type":"msg","payload":}`, `{"type":"msg","payload":1`, `{"type":"msg","payload":1} `,
		`{"type":"msg","payload":1,"seq":1}`, `{"type":"msg","seq":0,"payload":1}`, `{"type":"msg","seq":01,"payload":1}`,
		`{"type":"msg","seq":9007199254740993,"payload":1}`, `{"type":"msg","seq":11111111111111111111111,"payload":1}`,
		`{"type":"msg","seq":1.5,"payload":1}`, `{"type":"msg","from":"a\u0062","payload":1}`, "{\"type\":\"msg\",\"from\":\"\xff\",\"payload\":1}",
		`{"type":"msg","id":"a","seq":1,"payload":1}`, `{"type":"msg","seq":1,"ack":true}`, `{"type":"msg","seq":2,"redact":1}`,
		`{"type":"msg","payload":` + strings.Repeat("[", 64) + strings.Repeat("]", 64) + `}`,
		`{"type":"state","seq":1,"payload":1}`, `{"type":"msg","payload":1},{"type":"msg","payload":1}`,
	} {
		if sameMsg(t, []byte(line)) {
			t.Errorf("%s is understood, and should be left to Decode", line)
		}
	}
}

func TestDecodeMsgAllocatesNothing(t *testing.T) {
	line := []byte(usual)
	if allocs := testing.AllocsPerRun(100, func() { wire.DecodeMsg(line) }); allocs != 0 {
		t.Errorf("got %v allocations", allocs)
	}
}

func BenchmarkDecode(b *testing.B) {
	line := []byte(usual)
	b.SetBytes(int64(len(line)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := wire.Decode(line); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecodeMsg(b *testing.B) {
	line := []byte(usual)
	b.SetBytes(int64(len(line)))
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := wire.DecodeMsg(line); !ok {
			b.Fatal("not understood")
		}
	}
}

// BenchmarkAppend measures the encoding of the usual line.
func BenchmarkAppend(b *testing.B) {
	f, err := wire.Decode([]byte(usual))
	if err != nil {
		b.Fatal(err)
	}
	var line []byte
	b.ReportAllocs()
	for b.Loop() {
		line = f.Append(line[:0])
	}
	b.SetBytes(int64(len(line)))
}
