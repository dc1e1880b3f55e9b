package jsx_test

import (
	"bytes"
	"context"
	"errors"
	"runtime"
	"strings"
	"sync"
	"syscall/js"
	"testing"
	"time"

	"goop/shared/wire"
	"goop/wasm/internal/jsx"
)

// eval runs JavaScript and returns its value.
func eval(t *testing.T, code string) js.Value {
	t.Helper()
	v, err := jsx.Try(func() js.Value { return js.Global().Get("Function").New("return (" + code + ")").Invoke() })
	if err != nil {
		t.Fatalf("eval: %v", err)
	}
	return v
}

func TestPromise(t *testing.T) {
	var wg sync.WaitGroup
	ctx := t.Context()
	for _, tt := range []struct {
		name  string
		fn    func(context.Context) (any, error)
		check string // of the promise's outcome: v, or e when it was rejected
	}{
		{"a value", func(context.Context) (any, error) { return "x", nil }, `v === "x"`},
		{"nothing", func(context.Context) (any, error) { return nil, nil }, `v === undefined && !e`},
		{"bytes", func(context.Context) (any, error) { return []byte{1, 2}, nil }, `v instanceof Uint8Array && v[1] === 2`},
		{"strings", func(context.Context) (any, error) { return []string{"a"}, nil }, `Array.isArray(v) && v[0] === "a"`},
		{"nested", func(context.Context) (any, error) {
			return map[string]any{"list": []any{[]byte{7}, map[string]string{"k": "w"}}}, nil
		}, `v.list[0][0] === 7 && v.list[1].k === "w"`},
		{"a code with details", func(context.Context) (any, error) {
			return nil, &wire.Error{Code: wire.Conflict, Message: "newer", ID: "i", Seq: 9, RetryAfter: 5}
		}, `e instanceof Error && e.name === "GoopError" && e.code === "conflict" && e.message === "newer" && e.id === "i" && e.seq === 9 && e.retryAfter === 5`},
		{"a bare code", func(context.Context) (any, error) { return nil, wire.Full }, `e.code === "full" && !("seq" in e)`},
		{"no code", func(context.Context) (any, error) { return nil, errors.New("why") }, `e.code === "internal" && e.message === "why"`},
		{"canceled", func(context.Context) (any, error) { return nil, context.Canceled }, `e.name === "AbortError"`},
		{"late", func(context.Context) (any, error) { return nil, context.DeadlineExceeded }, `e.code === "timeout"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			check := js.Global().Get("Function").New("p", "return p.then(v => { let e; return "+tt.check+" }, e => { let v; return "+tt.check+" })")
			got, err := jsx.Await(ctx, check.Invoke(jsx.Promise(ctx, &wg, tt.fn)))
			if err != nil || !got.Truthy() {
				t.Errorf("%s: got %v, %v", tt.check, got, err)
			}
		})
	}
	wg.Wait()
}

func TestErrorClass(t *testing.T) {
	class := eval(t, `class GoopError extends Error {
		constructor(code, message, detail) { super(message); this.code = code; Object.assign(this, detail) }
		get name() { return "GoopError" }
	}`)
	jsx.SetErrorClass(class)
	defer jsx.SetErrorClass(js.Undefined())
	v := jsx.ErrorValue(&wire.Error{Code: wire.RateLimited, Message: "slow down", RetryAfter: 20})
	if !v.InstanceOf(class) || v.Get("code").String() != "rate_limited" || v.Get("retryAfter").Int() != 20 {
		t.Errorf("got %v", v)
	}
	back, ok := errors.AsType[*wire.Error](jsx.AsError(v))
	if !ok || back.Code != wire.RateLimited || back.Message != "slow down" || back.RetryAfter != 20 {
		t.Errorf("and back: got %#v", back)
	}
}

func TestAwait(t *testing.T) {
	if v, err := jsx.Await(t.Context(), js.ValueOf(7)); err != nil || v.Int() != 7 {
		t.Errorf("no promise: got %v, %v, want 7", v, err)
	}
	for _, tt := range []struct{ code, want string }{
		{`Promise.reject(new TypeError("bad"))`, "TypeError: bad"},
		{`Promise.reject("text")`, "text"},
		{`Promise.reject(Symbol("s"))`, "Symbol(s)"},
		{`Promise.reject(null)`, "null"},
		{`Promise.reject({get message() { throw this }})`, "[object Object]"},
	} {
		if _, err := jsx.Await(t.Context(), eval(t, tt.code)); err == nil || err.Error() != tt.want {
			t.Errorf("%s: got %v, want %s", tt.code, err, tt.want)
		}
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(wire.Timeout)
	if _, err := jsx.Await(ctx, eval(t, `new Promise(() => {})`)); err != wire.Timeout {
		t.Errorf("given up: got %v, want the cause", err)
	}
}

func TestAsync(t *testing.T) {
	var wg sync.WaitGroup
	f := jsx.Async(t.Context(), &wg, func(_ context.Context, args []js.Value) (any, error) {
		return args[0].Int() + 1, nil
	})
	defer f.Release()
	if v, err := jsx.Await(t.Context(), f.Invoke(4)); err != nil || v.Int() != 5 {
		t.Errorf("got %v, %v, want 5", v, err)
	}
	wg.Wait()
}

func TestCallback(t *testing.T) {
	f := jsx.Callback(func(args []js.Value) any {
		if len(args) == 0 {
			return nil
		}
		return []string{args[0].String()}
	})
	defer f.Release()
	if got := f.Invoke("x"); got.Index(0).String() != "x" {
		t.Errorf("got %v", got)
	}
	if got := f.Invoke(); !got.IsUndefined() {
		t.Errorf("got %v, want undefined", got)
	}
}

func TestListen(t *testing.T) {
	target := eval(t, `new EventTarget()`)
	dispatch := func() { target.Call("dispatchEvent", eval(t, `new Event("ping")`)) }
	n := 0
	remove := jsx.Listen(target, "ping", func(e js.Value) {
		if e.Get("type").String() != "ping" {
			t.Errorf("got an event %v", e.Get("type"))
		}
		n++
	})
	dispatch()
	remove()
	remove()
	dispatch()
	if n != 1 {
		t.Errorf("got %d calls, want 1", n)
	}
}

func TestWithSignal(t *testing.T) {
	c := eval(t, `new AbortController()`)
	ctx, cancel := jsx.WithSignal(t.Context(), c.Get("signal"))
	defer cancel()
	if ctx.Err() != nil {
		t.Fatal("it ended before the signal")
	}
	c.Call("abort", eval(t, `new Error("enough")`))
	<-ctx.Done()
	if cause := context.Cause(ctx); cause.Error() != "Error: enough" {
		t.Errorf("got the cause %v", cause)
	}
	if v := jsx.ErrorValue(context.Cause(ctx)); !v.Equal(c.Get("signal").Get("reason")) {
		t.Error("the page does not get the reason that it gave")
	}

	early, cancelEarly := jsx.WithSignal(t.Context(), eval(t, `AbortSignal.abort()`))
	defer cancelEarly()
	if !errors.Is(context.Cause(early), context.Canceled) {
		t.Errorf("got the cause %v, want one that is context.Canceled", context.Cause(early))
	}
	none, cancelNone := jsx.WithSignal(t.Context(), js.Undefined())
	if none.Err() != nil {
		t.Error("without a signal: it has ended")
	}
	cancelNone()
	if none.Err() == nil {
		t.Error("cancel does not end it")
	}
}

func TestSignal(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	signal, release := jsx.Signal(ctx)
	aborted := make(chan struct{})
	remove := jsx.Listen(signal, "abort", func(js.Value) { close(aborted) })
	defer remove()
	cancel()
	<-aborted
	release()

	signal, release = jsx.Signal(t.Context())
	release()
	if !signal.Get("aborted").Bool() {
		t.Error("release does not fire the signal")
	}
}

func TestBytes(t *testing.T) {
	for _, tt := range []struct {
		code string
		want []byte
	}{
		{`new Uint8Array([1, 2, 3])`, []byte{1, 2, 3}},
		{`new Uint8Array([1, 2, 3]).buffer`, []byte{1, 2, 3}},
		{`new DataView(new Uint8Array([1, 2, 3]).buffer, 1)`, []byte{2, 3}},
		{`new Uint8Array([1, 2, 3]).subarray(2)`, []byte{3}},
		{`new ArrayBuffer(0)`, []byte{}},
	} {
		if got, err := jsx.Bytes(eval(t, tt.code)); err != nil || !bytes.Equal(got, tt.want) {
			t.Errorf("%s: got %v, %v, want %v", tt.code, got, err, tt.want)
		}
	}
	for _, code := range []string{`[1]`, `"x"`, `null`, `undefined`, `{}`} {
		if _, err := jsx.Bytes(eval(t, code)); !errors.Is(err, wire.InvalidValue) {
			t.Errorf("%s: got %v, want invalid_value", code, err)
		}
	}
	b := []byte{9}
	v := jsx.Uint8Array(b)
	b[0] = 0
	if v.Index(0).Int() != 9 {
		t.Error("the array changes with the slice")
	}
}

func TestJSON(t *testing.T) {
	v, err := jsx.Parse([]byte(`{"a":[1,"ü"]}`))
	if err != nil {
		t.Fatal(err)
	}
	if text, err := jsx.Stringify(v); err != nil || string(text) != `{"a":[1,"ü"]}` {
		t.Errorf("got %s, %v", text, err)
	}
	if _, err := jsx.Parse([]byte(`{`)); err == nil || !strings.HasPrefix(err.Error(), "SyntaxError") {
		t.Errorf("got %v, want a SyntaxError", err)
	}
	for _, code := range []string{`undefined`, `() => 1`, `1n`, `(() => { const a = {}; a.a = a; return a })()`} {
		if _, err := jsx.Stringify(eval(t, code)); !errors.Is(err, wire.InvalidValue) {
			t.Errorf("%s: got %v, want invalid_value", code, err)
		}
	}
}

func TestGetSet(t *testing.T) {
	o := eval(t, `({ok: 1, get bad() { throw new Error("no") }})`)
	if v, err := jsx.Get(o, "ok"); err != nil || v.Int() != 1 {
		t.Errorf("got %v, %v", v, err)
	}
	if _, err := jsx.Get(o, "bad"); err == nil || err.Error() != "Error: no" {
		t.Errorf("got %v, want what the getter threw", err)
	}
	if err := jsx.Set(o, "list", []string{"a"}); err != nil || o.Get("list").Index(0).String() != "a" {
		t.Errorf("got %v", err)
	}
}

// A callback that is not released stays in memory for ever; a member makes two for each read.
func TestCallbacksAreReleased(t *testing.T) {
	var wg sync.WaitGroup
	round := func(n int) {
		for range n {
			if _, err := jsx.Await(t.Context(), jsx.Promise(t.Context(), &wg, func(context.Context) (any, error) { return 1, nil })); err != nil {
				t.Fatal(err)
			}
		}
		wg.Wait()
	}
	round(100)
	before := settledHeap(t)
	round(10_000)
	if after := settledHeap(t); after > before+256<<10 {
		t.Errorf("the heap grew from %d to %d KiB", before>>10, after>>10)
	}
}

// settledHeap returns the bytes in use when they fall no more: finalizers of JavaScript values need
// several rounds and turns of the event loop.
func settledHeap(t *testing.T) uint64 {
	t.Helper()
	var m runtime.MemStats
	best := ^uint64(0)
	for range 6 {
		runtime.GC()
		if _, err := jsx.Await(t.Context(), eval(t, `new Promise(r => setTimeout(r, 5))`)); err != nil {
			t.Fatal(err)
		}
		runtime.ReadMemStats(&m)
		best = min(best, m.HeapAlloc)
	}
	return best
}

func TestThenRunsOnce(t *testing.T) {
	got := make(chan int, 2)
	jsx.Then(eval(t, `Promise.resolve(3)`), func(v js.Value, err error) { got <- v.Int() })
	select {
	case n := <-got:
		if n != 3 {
			t.Errorf("got %d, want 3", n)
		}
	case <-time.After(5 * time.Second):
		t.Fatal("it was not called")
	}
}

func TestLoopPasses(t *testing.T) {
	loop := jsx.NewLoop()
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(loop.Pass)
	}
	wg.Wait()
}
