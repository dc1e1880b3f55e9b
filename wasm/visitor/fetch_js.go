package main

import (
	"context"
	"io"
	"sync"
	"syscall/js"

	"goop/shared/wire"
	"goop/wasm/internal/jsx"
	"goop/wasm/internal/sitefetch"
)

// chunk is how much of a body crosses to JavaScript at once, at most, in bytes.
const chunk = 64 << 10

// answers are those whose bodies are not over, by number: so there is nothing to release when one ends, and a late call
// meets a plain refusal.
type answers struct {
	// mu guards the following.
	mu   sync.Mutex
	last int
	open map[int]*answer
}

// answer is one body under way.
type answer struct {
	*sitefetch.Response
	cancel func() // resets the stream, so that a read under way ends too
	buf    []byte

	// mu is held while the body is read. JavaScript reads one chunk after the other.
	mu sync.Mutex
}

// fetch(method, target, headers, signal) resolves with {number, status, reason, headers}. headers are an array of names
// and values in turn, both ways. number is 0 when there is no body; otherwise it is to be read to its end or given up.
func (v *visitor) fetch(ctx context.Context, args []js.Value) (any, error) {
	ctx, cancel := jsx.WithSignal(ctx, args[3])
	r, err := v.client.Do(ctx, &sitefetch.Request{
		Method: args[0].String(), Target: args[1].String(), Host: v.host, Header: fields(args[2]),
	})
	if err != nil {
		cancel()
		return nil, err
	}
	headers := make([]string, 0, 2*len(r.Header))
	for _, f := range r.Header {
		headers = append(headers, f.Name, f.Value)
	}
	number := 0
	if r.Body.Over() {
		cancel()
	} else {
		number = v.answers.add(&answer{Response: r, cancel: cancel})
	}
	return map[string]any{"number": number, "status": r.Status, "reason": r.Reason, "headers": headers}, nil
}

// read(number) resolves with the next bytes of a body, and with undefined at its end.
func (v *visitor) read(_ context.Context, args []js.Value) (any, error) {
	number := args[0].Int()
	a := v.answers.get(number)
	if a == nil {
		return nil, wire.E(wire.Closed, "the answer is over")
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.buf == nil {
		a.buf = make([]byte, chunk)
	}
	n, err := a.Body.Read(a.buf)
	if n > 0 {
		return a.buf[:n], nil // the body remembers an error for the next call
	}
	v.answers.remove(number)
	a.Body.Close()
	a.cancel()
	if err == io.EOF {
		err = nil
	}
	return nil, err
}

// giveUp(number) ends a body that nobody wants to read any more.
func (v *visitor) giveUp(_ context.Context, args []js.Value) (any, error) {
	a := v.answers.remove(args[0].Int())
	if a == nil {
		return nil, nil
	}
	a.cancel()
	a.mu.Lock()
	defer a.mu.Unlock()
	a.Body.Close()
	return nil, nil
}

func (s *answers) add(a *answer) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open == nil {
		s.open = map[int]*answer{}
	}
	s.last++
	s.open[s.last] = a
	return s.last
}

func (s *answers) get(number int) *answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.open[number]
}

func (s *answers) remove(number int) *answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.open[number]
	delete(s.open, number)
	return a
}

// fields makes headers of names and values in turn.
func fields(list js.Value) []sitefetch.Field {
	out := make([]sitefetch.Field, 0, list.Length()/2)
	for i := 0; i+1 < list.Length(); i += 2 {
		out = append(out, sitefetch.Field{Name: list.Index(i).String(), Value: list.Index(i + 1).String()})
	}
	return out
}
