package idb

import (
	"context"
	"syscall/js"

	"goop/shared/wire"
	"goop/wasm/internal/jsx"
)

const store = "values"

// database is an open database.
type database struct {
	db     js.Value
	unhook func()
}

// opening is a database that the browser is opening, or has opened.
type opening struct {
	done chan struct{} // closed when one of the following is set
	db   *database
	err  error
}

// open begins to open a database of this origin, and makes it where there is none. A browser that keeps
// nothing (some private windows do not) is an error with code not_supported.
func open(name string) *opening {
	o := &opening{done: make(chan struct{})}
	settle := func(db *database, err error) {
		o.db, o.err = db, err
		close(o.done)
	}
	factory, err := jsx.Get(js.Global(), "indexedDB") // a sandboxed page's getter throws
	if err != nil || factory.Type() != js.TypeObject {
		settle(nil, unavailable(err))
		return o
	}
	request, err := jsx.Try(func() js.Value { return factory.Call("open", name, 1) })
	if err != nil {
		settle(nil, unavailable(err))
		return o
	}
	var hooks []func()
	unhook := func() {
		for _, remove := range hooks {
			remove()
		}
	}
	hooks = []func(){
		jsx.Listen(request, "upgradeneeded", func(js.Value) { request.Get("result").Call("createObjectStore", store) }),
		jsx.Listen(request, "success", func(js.Value) {
			unhook()
			db := request.Get("result")
			// Another tab deletes the database: do not stand in its way.
			settle(&database{db: db, unhook: jsx.Listen(db, "versionchange", func(js.Value) { db.Call("close") })}, nil)
		}),
		jsx.Listen(request, "error", func(js.Value) {
			unhook()
			settle(nil, unavailable(jsx.AsError(request.Get("error"))))
		}),
	}
	return o
}

func unavailable(err error) error {
	return &wire.Error{Code: wire.NotSupported, Message: "this browser keeps no data for this page", Err: err}
}

func (d *database) close() {
	d.unhook()
	d.db.Call("close")
}

// get is Store.Get.
func (d *database) get(ctx context.Context, key string) (js.Value, error) {
	return d.transact(ctx, "readonly", func(t *transaction) {
		t.then(t.store.Call("get", key), func(v js.Value) { t.result = v })
	})
}

// add is Store.Add.
func (d *database) add(ctx context.Context, key string, value js.Value) (js.Value, error) {
	return d.transact(ctx, "readwrite", func(t *transaction) {
		t.then(t.store.Call("get", key), func(v js.Value) {
			if t.result = v; v.IsUndefined() {
				t.result = value
				t.store.Call("add", value, key)
			}
		})
	})
}

// transaction is one transaction under way. Its fields are written before the event that ends it.
type transaction struct {
	tx, store js.Value
	hooks     []func()
	result    js.Value
	err       error // thrown by a step
}

// transact runs one transaction, whose first requests body makes, and returns its result once it has
// completed.
func (d *database) transact(ctx context.Context, mode string, body func(*transaction)) (js.Value, error) {
	tx, err := jsx.Try(func() js.Value { return d.db.Call("transaction", store, mode) })
	if err != nil {
		return js.Undefined(), unavailable(err)
	}
	t := &transaction{tx: tx, store: tx.Call("objectStore", store)}
	over := make(chan bool, 1)
	t.hooks = []func(){
		jsx.Listen(tx, "complete", func(js.Value) { over <- true }),
		jsx.Listen(tx, "abort", func(js.Value) { over <- false }),
	}
	t.step(func() { body(t) })
	var done bool
	select {
	case done = <-over:
	case <-ctx.Done():
		err = context.Cause(ctx)
		t.abort()
	}
	for _, remove := range t.hooks {
		remove()
	}
	switch {
	case err != nil:
		return js.Undefined(), err
	case !done && t.err != nil:
		return js.Undefined(), unavailable(t.err)
	case !done:
		return js.Undefined(), unavailable(jsx.AsError(tx.Get("error")))
	}
	return t.result, nil
}

// then runs a step with the result of a request.
func (t *transaction) then(request js.Value, fn func(js.Value)) {
	t.hooks = append(t.hooks, jsx.Listen(request, "success", func(js.Value) {
		t.step(func() { fn(request.Get("result")) })
	}))
}

// step runs a part of the transaction; an exception ends it.
func (t *transaction) step(fn func()) {
	if _, err := jsx.Try(func() js.Value { fn(); return js.Undefined() }); err != nil {
		t.err = err
		t.abort()
	}
}

// abort ends the transaction without effect; one that is over is left alone.
func (t *transaction) abort() {
	if _, err := jsx.Try(func() js.Value { return t.tx.Call("abort") }); err != nil {
		return // it was over: its own event tells how
	}
}
