package jsx

import (
	"context"
	"sync"
	"syscall/js"
)

// Promise runs fn on a goroutine that wg waits for, and returns a JavaScript promise of its result
// (made by ValueOf; nil resolves to undefined). An error rejects with what ErrorValue makes of it.
func Promise(ctx context.Context, wg *sync.WaitGroup, fn func(context.Context) (any, error)) js.Value {
	var exec js.Func
	exec = js.FuncOf(func(_ js.Value, args []js.Value) any {
		exec.Release() // an executor runs exactly once
		resolve, reject := args[0], args[1]
		wg.Go(func() {
			v, err := fn(ctx)
			switch {
			case err != nil:
				reject.Invoke(ErrorValue(err))
			case v == nil:
				resolve.Invoke()
			default:
				resolve.Invoke(ValueOf(v))
			}
		})
		return nil // never block here: this is the event loop
	})
	return js.Global().Get("Promise").New(exec)
}

// Async returns a JavaScript function whose calls each return the Promise of fn. The caller releases
// it when JavaScript will not call it any more.
func Async(ctx context.Context, wg *sync.WaitGroup, fn func(ctx context.Context, args []js.Value) (any, error)) js.Func {
	return js.FuncOf(func(_ js.Value, args []js.Value) any {
		return Promise(ctx, wg, func(ctx context.Context) (any, error) { return fn(ctx, args) })
	})
}

// Then calls settled once, from the event loop, when promise has settled: with its value, or with the
// error that its rejection reason stands for. It may be any value; one that is no promise counts as
// resolved. The callbacks release themselves.
func Then(promise js.Value, settled func(js.Value, error)) {
	var resolved, rejected js.Func
	release := func() {
		resolved.Release()
		rejected.Release()
	}
	resolved = js.FuncOf(func(_ js.Value, args []js.Value) any {
		release()
		settled(first(args), nil)
		return nil
	})
	rejected = js.FuncOf(func(_ js.Value, args []js.Value) any {
		release()
		settled(js.Undefined(), AsError(first(args)))
		return nil
	})
	js.Global().Get("Promise").Call("resolve", promise).Call("then", resolved, rejected)
}

// Await waits for a promise. When ctx ends first it returns the cause of that, and the promise's
// outcome is dropped. It must not be called from a callback.
func Await(ctx context.Context, promise js.Value) (js.Value, error) {
	type outcome struct {
		v   js.Value
		err error
	}
	done := make(chan outcome, 1)
	Then(promise, func(v js.Value, err error) { done <- outcome{v, err} })
	select {
	case o := <-done:
		return o.v, o.err
	case <-ctx.Done():
		return js.Undefined(), context.Cause(ctx)
	}
}

func first(args []js.Value) js.Value {
	if len(args) == 0 {
		return js.Undefined()
	}
	return args[0]
}
