// Package jsx is the one place where Go meets JavaScript values: promises both ways, callbacks,
// bytes, JSON and errors. Nobody else calls js.FuncOf.
//
// It knows no protocol and no API of ours but the error type. A callback runs while JavaScript's
// event loop stands still: it must never wait for another callback (a promise, a timer, a channel
// that one of them fills), or the page hangs. Every js.Func made here is released by whoever the
// doc comment names. All functions may be called from any goroutine.
package jsx
