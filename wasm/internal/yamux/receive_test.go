package yamux

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"sync"
	"testing"
	"time"

	"goop/shared/link"
	"goop/shared/wire"
)

// script is a far end that says what it is told to, whatever comes from here.
type script struct {
	io.Reader
	closed chan struct{}
	close  func()
	wrote  chan struct{} // holds a token after a write

	// mu guards the following.
	mu   sync.Mutex
	sent bytes.Buffer
}

func newScript(b []byte) *script {
	closed := make(chan struct{})
	return &script{
		Reader: bytes.NewReader(b),
		closed: closed,
		close:  sync.OnceFunc(func() { close(closed) }),
		wrote:  make(chan struct{}, 1),
	}
}

// hanging is a script that stays silent after its words, where a plain one ends.
type hanging struct{ *script }

func (h hanging) Read(p []byte) (int, error) {
	n, err := h.script.Read(p)
	if err == io.EOF {
		<-h.closed
	}
	return n, err
}

func (s *script) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case s.wrote <- struct{}{}:
	default:
	}
	return s.sent.Write(p)
}

func (s *script) Close() error {
	s.close()
	return nil
}

// frames are what was sent so far, without payloads.
func (s *script) frames(t *testing.T) (fs []frame) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for b := s.sent.Bytes(); len(b) > 0; {
		var f frame
		if len(b) < headerSize || !f.parse((*[headerSize]byte)(b)) {
			t.Fatalf("%x is no frame", b)
		}
		fs = append(fs, f)
		b = b[headerSize:]
		if f.typ == typeData {
			b = b[f.length:]
		}
	}
	return fs
}

func data(flags flags, stream uint32, size int) []byte {
	return append(frame{typ: typeData, flags: flags, stream: stream, length: uint32(size)}.append(nil), make([]byte, size)...)
}

func head(typ frameType, flags flags, stream, length uint32) []byte {
	return frame{typ, flags, stream, length}.append(nil)
}

func TestViolationsEndTheSession(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		b    []byte
		want error
	}{
		{"another version", []byte{1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, errFrame},
		{"an unknown type", []byte{0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, errFrame},
		{"a stream with a number of ours", head(typeWindow, flagSYN, 3, 0), errFrame},
		{"a stream 0", head(typeData, flagSYN, 0, 0), errFrame},
		{"a frame beyond any window", head(typeData, 0, 1, maxWindow+1), errWindow},
		{"more than the window", bytes.Repeat(data(0, 1, window/2+1), 2), errWindow},
		{"data behind the end", append(data(flagFIN, 1, 1), data(0, 1, 1)...), errWindow},
		{"a flood of questions", bytes.Repeat(head(typePing, flagSYN, 0, 1), 200_000), errFlood},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			far := hanging{newScript(tt.b)}
			s := &Session{ // without a writer, which would answer the flood in time
				conn: far, slots: make(chan struct{}, 1), work: make(chan struct{}, 1), done: make(chan struct{}),
				streams: map[uint32]*Stream{}, nextID: 1,
			}
			st, err := s.OpenStream(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			s.wg.Go(s.read)
			select {
			case <-s.Done():
			case <-time.After(10 * time.Second):
				t.Fatal("the session goes on")
			}
			if s.Err() != tt.want {
				t.Errorf("got %v, want %v", s.Err(), tt.want)
			}
			if _, err := io.ReadAll(st); err != nil && !errors.Is(err, wire.Offline) {
				t.Errorf("the stream's error: got %v", err)
			}
			s.wg.Wait()
		})
	}
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	var said []byte
	said = append(said, head(typePing, flagSYN, 0, 77)...)
	said = append(said, head(typePing, flagACK, 0, 78)...) // answers nothing that we asked
	said = append(said, head(typeWindow, flagSYN, 2, 0)...)
	said = append(said, data(flagSYN, 4, 20)...)
	said = append(said, data(0, 4, 20)...)            // sent before it saw the refusal
	said = append(said, head(typeWindow, 0, 9, 5)...) // about a stream that is over
	said = append(said, data(0, 9, 5)...)
	far := newScript(said)
	s := Client(hanging{far})
	want := []frame{
		{typePing, flagACK, 0, 77},
		{typeWindow, flagRST, 2, 0},
		{typeWindow, flagRST, 4, 0},
		{typeWindow, flagRST, 9, 0},
	}
	for len(far.frames(t)) < len(want) {
		select {
		case <-far.wrote:
		case <-time.After(10 * time.Second):
			t.Fatalf("got %v, want %v", far.frames(t), want)
		}
	}
	s.Close()
	got := far.frames(t)
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// Close must not reset a stream whose last bytes the far end has yet to read, even when it has sent
// something that nobody will read here.
func TestCloseWhileDataArrives(t *testing.T) {
	t.Parallel()
	far := newScript(nil)
	s := &Session{
		conn: far, slots: make(chan struct{}, 1), work: make(chan struct{}, 1), done: make(chan struct{}),
		streams: map[uint32]*Stream{}, nextID: 1,
	}
	st, err := s.OpenStream(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	st.Write([]byte("last words"))
	st.Close()
	if err := s.receiveData(frame{typ: typeData, stream: 1, length: 0}, nil); err != nil {
		t.Fatal(err)
	}
	far.Reader = bytes.NewReader(make([]byte, 5))
	if err := s.receiveData(frame{typ: typeData, stream: 1, length: 5}, make([]byte, 16)); err != nil {
		t.Fatal(err)
	}
	b, _ := s.collect(nil)
	far.Write(b)
	want := []frame{
		{typeData, flagSYN, 1, 10},
		{typeWindow, flagFIN, 1, 0},
		{typeWindow, flagRST, 1, 0},
	}
	got := far.frames(t)
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if len(s.streams) != 0 {
		t.Error("the session has not forgotten the stream")
	}
}

func TestBuffer(t *testing.T) {
	t.Parallel()
	var q buffer
	var want, got []byte
	p := make([]byte, 700)
	for i := range 5000 {
		in := bytes.Repeat([]byte{byte(i)}, i*7%90)
		q.write(in)
		want = append(want, in...)
		got = append(got, p[:q.read(p[:i*13%70])]...)
	}
	for q.len() > 0 {
		got = append(got, p[:q.read(p)]...)
	}
	if !bytes.Equal(got, want) {
		t.Error("what comes out is not what went in")
	}
	if cap(q.b) > maxPart {
		t.Errorf("the empty queue keeps %d bytes", cap(q.b))
	}
}

// Whatever a stranger sends, the session ends in good order when the connection does, and keeps no more
// than the window of its one stream.
func FuzzReceive(f *testing.F) {
	f.Add(append(head(typePing, flagSYN, 0, 1), data(flagACK, 1, 30)...))
	f.Add(append(data(flagSYN|flagFIN, 2, 3), head(typeWindow, flagRST, 1, 0)...))
	f.Add(append(head(typeWindow, 0, 1, 1<<31), data(flagFIN, 1, 9)...))
	f.Add(head(typeGoAway, 0, 0, 2))
	f.Fuzz(func(t *testing.T, b []byte) {
		s := Client(newScript(b))
		st, err := s.OpenStream(t.Context())
		if err != nil {
			<-s.Done()
			return
		}
		st.Write([]byte("x"))
		<-s.Done()
		got, err := io.ReadAll(st)
		if len(got) > window || len(got) > len(b) {
			t.Errorf("%d bytes of %d came through", len(got), len(b))
		}
		if err != nil && !errors.Is(err, wire.Offline) && !errors.Is(err, link.ErrReset) {
			t.Errorf("the stream's error: got %v", err)
		}
		s.Close()
	})
}
