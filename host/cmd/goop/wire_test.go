package main

import (
	"bufio"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/multiformats/go-multiaddr"

	"goop/host/node"
	"goop/shared/wire"
)

// TestFirstHour writes the bytes that docs/protocol.md shows to a real host, on streams of libp2p on which nothing
// was negotiated, and wants the answers that stand there, byte for byte but for what is left out.
func TestFirstHour(t *testing.T) {
	text, err := os.ReadFile("../../../docs/protocol.md")
	if err != nil {
		t.Fatal(err)
	}
	_, script, _ := strings.Cut(string(text), "```wire\n")
	script, _, found := strings.Cut(script, "```\n")
	if !found {
		t.Fatal("docs/protocol.md has no block \"wire\"")
	}
	p := startHost(t)
	d, err := node.FetchDescriptor(p.page)(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	w := stranger{t: t}
	w.dial(d)
	for line := range strings.Lines(script) {
		switch what, rest, _ := strings.Cut(strings.TrimSpace(line), " "); what {
		case "→":
			w.expect()
			w.write(rest)
		case "←":
			w.awaited = append(w.awaited, rest)
		case "", "#":
		default:
			t.Fatalf("not a line of bytes: %s", line)
		}
	}
	w.expect()
	if w.streams < 3 {
		t.Errorf("only %d streams were opened", w.streams)
	}
}

// stranger is somebody with a libp2p library and docs/protocol.md.
type stranger struct {
	t       *testing.T
	conn    network.Conn
	stream  network.Stream
	lines   *bufio.Reader
	streams int
	awaited []string // what the host has to say before the next line is written
	epoch   string
}

func (w *stranger) dial(d wire.Descriptor) {
	w.t.Helper()
	h, err := libp2p.New(libp2p.NoListenAddrs)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { h.Close() })
	var addrs []multiaddr.Multiaddr
	for _, a := range d.Addrs {
		m, err := multiaddr.NewMultiaddr(a)
		if err != nil {
			w.t.Fatal(err)
		}
		addrs = append(addrs, m)
	}
	infos, err := peer.AddrInfosFromP2pAddrs(addrs...)
	if err != nil || len(infos) != 1 || infos[0].ID.String() != string(d.Peer) {
		w.t.Fatalf("got %v, %v, want the addresses of %s alone", infos, err, d.Peer)
	}
	if err := h.Connect(w.t.Context(), infos[0]); err != nil {
		w.t.Fatal(err)
	}
	w.conn = h.Network().ConnsToPeer(infos[0].ID)[0]
}

// lengthened is a message of multistream as the docs show it: its length, and what it says.
var lengthened = regexp.MustCompile(`^([01][0-9a-f]) (.*)$`)

// bytesOf returns the bytes that a line of the docs stands for.
func (w *stranger) bytesOf(shown string) string {
	w.t.Helper()
	var b strings.Builder
	rest, ended := strings.CutSuffix(shown, "⏎")
	if !ended {
		w.t.Fatalf("%q does not end with a line break", shown)
	}
	for piece := range strings.SplitSeq(rest, "⏎ ") {
		if m := lengthened.FindStringSubmatch(piece); m != nil {
			piece = string(rune(len(m[2])+1)) + m[2]
			if got := hexByte(piece[0]); got != m[1] {
				w.t.Errorf("%q is %s long, and not %s", m[2], got, m[1])
			}
		}
		b.WriteString(piece + "\n")
	}
	return b.String()
}

func hexByte(b byte) string {
	const digits = "0123456789abcdef"
	return string([]byte{digits[b>>4], digits[b&15]})
}

func (w *stranger) write(shown string) {
	w.t.Helper()
	if strings.HasPrefix(shown, "13 ") { // the length of multistream's name: a new stream
		stream, err := w.conn.NewStream(w.t.Context())
		if err != nil {
			w.t.Fatal(err)
		}
		w.t.Cleanup(func() { stream.Reset() })
		if err := stream.SetReadDeadline(time.Now().Add(30 * time.Second)); err != nil {
			w.t.Fatal(err)
		}
		w.stream, w.lines = stream, bufio.NewReader(stream)
		w.streams++
	}
	if _, err := io.WriteString(w.stream, strings.ReplaceAll(w.bytesOf(shown), `"E1"`, `"`+w.epoch+`"`)); err != nil {
		w.t.Fatal(err)
	}
}

// expect reads until all that is awaited has come, in whatever order.
func (w *stranger) expect() {
	w.t.Helper()
	const end = "the end"
	var patterns []*regexp.Regexp
	atEnd := false
	for _, shown := range w.awaited {
		if shown == end {
			atEnd = true
			continue
		}
		for line := range strings.SplitAfterSeq(w.bytesOf(shown), "\n") {
			if line != "" {
				pattern := strings.ReplaceAll(regexp.QuoteMeta(line), "…", ".*?")
				pattern = strings.Replace(pattern, `"epoch":"E1"`, `"epoch":"(?P<epoch>[A-Z2-7]+)"`, 1)
				patterns = append(patterns, regexp.MustCompile("^"+pattern+"$"))
			}
		}
	}
	w.awaited = nil
	for len(patterns) > 0 || atEnd {
		line, err := w.lines.ReadString('\n')
		if err == io.EOF && line == "" && atEnd && len(patterns) == 0 {
			return
		}
		if err != nil {
			w.t.Fatalf("got %q and %v, and still want %q", line, err, patterns)
		}
		i := slices.IndexFunc(patterns, func(p *regexp.Regexp) bool { return p.MatchString(line) })
		switch {
		case i >= 0:
			if m := patterns[i].FindStringSubmatch(line); len(m) > 1 {
				w.epoch = m[1]
			}
			patterns = slices.Delete(patterns, i, i+1)
		case !strings.HasPrefix(line, `{"type":"members"`): // of the others, whom the docs leave out
			w.t.Fatalf("got %q, want one of %q", line, patterns)
		}
	}
}
