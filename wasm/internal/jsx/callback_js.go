package jsx

import (
	"context"
	"sync"
	"syscall/js"
)

// Callback makes fn callable from JavaScript; what it returns goes through ValueOf. The caller
// releases it when JavaScript will not call it any more.
func Callback(fn func(args []js.Value) any) js.Func {
	return js.FuncOf(func(_ js.Value, args []js.Value) any {
		if v := fn(args); v != nil {
			return ValueOf(v)
		}
		return js.Undefined()
	})
}

// Listen calls fn, from the event loop, for each event of a type that the target (an EventTarget)
// dispatches. The returned function ends that and releases the callback; it may be called more than
// once, also from fn.
func Listen(target js.Value, event string, fn func(event js.Value)) (remove func()) {
	f := js.FuncOf(func(_ js.Value, args []js.Value) any {
		fn(first(args))
		return nil
	})
	target.Call("addEventListener", event, f)
	return sync.OnceFunc(func() {
		target.Call("removeEventListener", event, f)
		f.Release()
	})
}

// WithSignal returns a context that ends with ctx or when the AbortSignal fires; its cause is then
// the signal's reason. An undefined or null signal never fires. The caller calls cancel, which
// releases the listener.
func WithSignal(ctx context.Context, signal js.Value) (_ context.Context, cancel func()) {
	ctx, end := context.WithCancelCause(ctx)
	if signal.IsUndefined() || signal.IsNull() {
		return ctx, func() { end(nil) }
	}
	abort := func(js.Value) { end(AsError(signal.Get("reason"))) }
	if signal.Get("aborted").Truthy() {
		abort(signal)
		return ctx, func() {}
	}
	remove := Listen(signal, "abort", abort)
	return ctx, func() {
		remove()
		end(nil)
	}
}

// Signal returns an AbortSignal that fires when ctx ends, or when the caller calls release: once it
// wants no more of what the signal was handed to.
func Signal(ctx context.Context) (signal js.Value, release func()) {
	controller := js.Global().Get("AbortController").New()
	stop := context.AfterFunc(ctx, func() { controller.Call("abort") })
	return controller.Get("signal"), func() {
		stop()
		controller.Call("abort")
	}
}
