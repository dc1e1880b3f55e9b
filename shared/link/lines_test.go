package link_test

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"goop/shared/link"
)

func TestReadLine(t *testing.T) {
	t.Parallel()
	errBroken := errors.New("broken")
	for _, tt := range []struct {
		name  string
		in    io.Reader
		limit int
		want  []string
		err   error
	}{
		{"nothing", strings.NewReader(""), 10, nil, io.EOF},
		{"two lines", strings.NewReader("a\nbc\n"), 10, []string{"a", "bc"}, io.EOF},
		{"empty lines", strings.NewReader("\n\r\n\n"), 10, []string{"", "", ""}, io.EOF},
		{"carriage returns", strings.NewReader("a\r\nb\r\r\n"), 10, []string{"a", "b\r"}, io.EOF},
		{"half a line", strings.NewReader("a\nb"), 10, []string{"a"}, io.ErrUnexpectedEOF},
		{"as long as may be", strings.NewReader("1234\n12345\n"), 5, []string{"1234", "12345"}, io.EOF},
		{"as long as may be, with a carriage return", strings.NewReader("12345\r\n"), 5, []string{"12345"}, io.EOF},
		{"one byte too long", strings.NewReader("1\n123456\nmore\n"), 5, []string{"1"}, link.ErrLineTooLong},
		{"too long without an end", strings.NewReader(strings.Repeat("x", 100)), 5, nil, link.ErrLineTooLong},
		{"an error of the stream", io.MultiReader(strings.NewReader("a\nb"), iotest.ErrReader(errBroken)), 5, []string{"a"}, errBroken},
		{"an error with the last bytes", iotest.DataErrReader(strings.NewReader("a\nb\n")), 5, []string{"a", "b"}, io.EOF},
		{"longer than the first buffer", strings.NewReader(strings.Repeat("y", 5000) + "\nz\n"), 5000, []string{strings.Repeat("y", 5000), "z"}, io.EOF},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			all, err := io.ReadAll(tt.in)
			for name, wrap := range map[string]func(io.Reader) io.Reader{
				"whole":        func(r io.Reader) io.Reader { return r },
				"byte by byte": iotest.OneByteReader,
				"halves":       iotest.HalfReader,
			} {
				var in io.Reader = bytes.NewReader(all)
				if err != nil {
					in = io.MultiReader(in, iotest.ErrReader(err))
				}
				r := link.NewReader(wrap(in), tt.limit)
				var got []string
				var last error
				for last == nil {
					var line []byte
					if line, last = r.ReadLine(); last == nil {
						got = append(got, string(line))
					}
				}
				if !slices.Equal(got, tt.want) || !errors.Is(last, tt.err) {
					t.Errorf("%s: got %q, %v, want %q, %v", name, got, last, tt.want, tt.err)
				}
				if _, again := r.ReadLine(); again != last {
					t.Errorf("%s: after the end: got %v, want %v again", name, again, last)
				}
			}
		})
	}
}

func TestBuffered(t *testing.T) {
	t.Parallel()
	near, far := link.Pipe(0)
	near.Write([]byte("one\ntwo\nthr"))
	r := link.NewReader(far, 100)
	for _, tt := range []struct {
		line string
		more bool
	}{{"one", true}, {"two", false}} {
		line, err := r.ReadLine()
		if string(line) != tt.line || err != nil || r.Buffered() != tt.more {
			t.Errorf("got %q, %v and more: %v, want %q and more: %v", line, err, r.Buffered(), tt.line, tt.more)
		}
	}
	near.Write([]byte("ee\n"))
	if line, err := r.ReadLine(); string(line) != "three" || err != nil {
		t.Errorf("got %q, %v", line, err)
	}
}

// watcher notes how much its Reader has asked for.
type watcher struct {
	io.Reader
	asked []int
}

func (w *watcher) Read(p []byte) (int, error) {
	w.asked = append(w.asked, len(p))
	return w.Reader.Read(p)
}

func TestReaderTakesMoreWhereMoreComes(t *testing.T) {
	t.Parallel()
	line := strings.Repeat("x", 99) + "\n"
	w := &watcher{Reader: io.MultiReader(
		strings.NewReader(strings.Repeat(line, 2000)),
		strings.NewReader(strings.Repeat("y", 1<<20)+"\n"),
		strings.NewReader("a\n"), strings.NewReader("b\n"),
	)}
	r := link.NewReader(w, 1<<20)
	for range 2000 {
		if _, err := r.ReadLine(); err != nil {
			t.Fatal(err)
		}
	}
	if len(w.asked) > 40 {
		t.Errorf("200,000 bytes took %d reads, want them in pieces that grow", len(w.asked))
	}
	if most := slices.Max(w.asked); most > 16<<10 {
		t.Errorf("asked for %d bytes, want no more than 16 KiB ahead of short lines", most)
	}
	for _, want := range []int{1 << 20, 1, 1} {
		if line, err := r.ReadLine(); len(line) != want || err != nil {
			t.Fatalf("got %d bytes, %v, want %d", len(line), err, want)
		}
	}
	if _, err := r.ReadLine(); err != io.EOF {
		t.Fatalf("got %v, want the end", err)
	}
	if last := w.asked[len(w.asked)-1]; last > 1024 {
		t.Errorf("an idle reader waits with a buffer of %d bytes, after it has seen a long line", last)
	}
}

func TestReaderReadsAsFarAheadAsItIsTold(t *testing.T) {
	t.Parallel()
	w := &watcher{Reader: strings.NewReader(strings.Repeat(strings.Repeat("x", 99)+"\n", 10_000))}
	r := link.NewReader(w, 1<<20)
	r.Ahead(80 << 10)
	var err error
	for n := 0; err == nil; n++ {
		if _, err = r.ReadLine(); err == io.EOF && n != 10_000 {
			t.Errorf("got %d lines", n)
		}
	}
	if most := slices.Max(w.asked); most > 80<<10 || most < 79<<10 {
		t.Errorf("asked for %d bytes, want 80 KiB", most)
	}
}

// FuzzReadLine compares the Reader with splitting the whole text, however the text comes in pieces.
func FuzzReadLine(f *testing.F) {
	f.Add([]byte("a\nbb\r\n\nccc"), 2, uint8(3))
	f.Add([]byte("12345\n1234567\n"), 5, uint8(0))
	f.Add(bytes.Repeat([]byte("x"), 3000), 4000, uint8(200))
	f.Fuzz(func(t *testing.T, text []byte, limit int, piece uint8) {
		limit = max(0, min(limit, 1<<20))
		r := link.NewReader(pieces{bytes.NewReader(text), int(piece) + 1}, limit)
		rest := text
		for {
			line, err := r.ReadLine()
			want, after, found := bytes.Cut(rest, []byte{'\n'})
			want = bytes.TrimSuffix(want, []byte{'\r'})
			switch {
			case err == link.ErrLineTooLong:
				if len(want) <= limit {
					t.Fatalf("refused a line of %d bytes, limit %d", len(want), limit)
				}
				return
			case err == io.EOF:
				if len(rest) > 0 {
					t.Fatalf("the end came with %q left", rest)
				}
				return
			case err == io.ErrUnexpectedEOF:
				if found || len(rest) == 0 {
					t.Fatalf("half a line was reported at %q", rest)
				}
				return
			case err != nil:
				t.Fatal(err)
			case !found || !bytes.Equal(line, want) || len(line) > limit:
				t.Fatalf("got %q, want %q (limit %d)", line, want, limit)
			}
			rest = after
			if wantMore := bytes.IndexByte(rest, '\n') >= 0; r.Buffered() && !wantMore {
				t.Fatalf("Buffered at %q", rest)
			}
		}
	})
}

// pieces gives at most n bytes at once.
type pieces struct {
	r io.Reader
	n int
}

func (p pieces) Read(b []byte) (int, error) { return p.r.Read(b[:min(len(b), p.n)]) }
