package jsx

import (
	"context"
	"errors"
	"sync"
	"syscall/js"

	"goop/shared/wire"
)

// Error is an exception or a rejection reason of JavaScript. It keeps the value, so that the same
// object comes out when the error goes back.
type Error struct {
	Value   js.Value
	Name    string // such as "TypeError"; empty when what was thrown is no object
	Message string
}

func (e *Error) Error() string {
	if e.Name == "" {
		return e.Message
	}
	return e.Name + ": " + e.Message
}

// Is lets an AbortError count as context.Canceled, and a TimeoutError as context.DeadlineExceeded.
func (e *Error) Is(target error) bool {
	return target == context.Canceled && e.Name == "AbortError" ||
		target == context.DeadlineExceeded && e.Name == "TimeoutError"
}

var class struct {
	// mu guards the following.
	mu sync.Mutex
	js js.Value // undefined until SetErrorClass
}

// SetErrorClass sets the class of the errors that ErrorValue makes. It is called as
// new Class(code, message, {id, retryAfter, seq}). Until then they are plain Errors with the same
// properties.
func SetErrorClass(constructor js.Value) {
	class.mu.Lock()
	defer class.mu.Unlock()
	class.js = constructor
}

// ErrorValue returns a JavaScript Error for err, which must not be nil. What came from JavaScript goes
// back as it was; a canceled context is an AbortError; a *wire.Error keeps its code, and an error
// without a code gets internal.
func ErrorValue(err error) js.Value {
	if e, ok := errors.AsType[*wire.Error](err); ok {
		return goopError(e)
	}
	if code, ok := errors.AsType[wire.Code](err); ok {
		return goopError(&wire.Error{Code: code, Message: err.Error()})
	}
	if e, ok := errors.AsType[*Error](err); ok && !e.Value.IsUndefined() {
		return e.Value
	}
	switch {
	case errors.Is(err, context.Canceled):
		return abortError(err.Error())
	case errors.Is(err, context.DeadlineExceeded):
		return goopError(&wire.Error{Code: wire.Timeout, Message: err.Error()})
	}
	return goopError(&wire.Error{Code: wire.Internal, Message: err.Error()})
}

func goopError(e *wire.Error) js.Value {
	detail := js.Global().Get("Object").New()
	if e.ID != "" {
		detail.Set("id", e.ID)
	}
	if e.RetryAfter != 0 {
		detail.Set("retryAfter", e.RetryAfter)
	}
	if e.Seq != 0 {
		detail.Set("seq", e.Seq)
	}
	class.mu.Lock()
	constructor := class.js
	class.mu.Unlock()
	if constructor.Type() == js.TypeFunction {
		return constructor.New(string(e.Code), e.Message, detail)
	}
	v := js.Global().Get("Error").New(e.Message)
	js.Global().Get("Object").Call("assign", v, detail)
	v.Set("name", "GoopError")
	v.Set("code", string(e.Code))
	return v
}

func abortError(message string) js.Value {
	return js.Global().Get("DOMException").New(message, "AbortError")
}

// AsError returns a Go error for whatever JavaScript threw: a *wire.Error for a GoopError, an *Error
// for anything else. It is never nil.
func AsError(v js.Value) error {
	if v.Type() != js.TypeObject && v.Type() != js.TypeFunction {
		return &Error{Value: v, Message: display(v)}
	}
	name, message := property(v, "name"), property(v, "message")
	if code := property(v, "code"); name == "GoopError" && code != "" {
		e := &wire.Error{Code: wire.Code(code), Message: message, ID: property(v, "id")}
		e.RetryAfter, e.Seq = number(v, "retryAfter"), number(v, "seq")
		return e
	}
	if name == "" && message == "" {
		message = display(v)
	}
	return &Error{Value: v, Name: name, Message: message}
}

// display returns String(v), which even symbols have.
func display(v js.Value) string {
	if s := quietly(func() js.Value { return js.Global().Get("String").Invoke(v) }); s.Type() == js.TypeString {
		return s.String()
	}
	return v.Type().String()
}

// property returns a property that is a string, and "" otherwise.
func property(v js.Value, key string) string {
	if p := quietly(func() js.Value { return js.Global().Get("Reflect").Call("get", v, key) }); p.Type() == js.TypeString {
		return p.String()
	}
	return ""
}

// number returns a property that is a number, and 0 otherwise.
func number(v js.Value, key string) int64 {
	if p := quietly(func() js.Value { return js.Global().Get("Reflect").Call("get", v, key) }); p.Type() == js.TypeNumber {
		return int64(p.Float())
	}
	return 0
}

// quietly returns undefined when fn throws: an error is being described, and what its own getters
// throw must not lead to another description.
func quietly(fn func() js.Value) (v js.Value) {
	defer func() {
		if r := recover(); r != nil {
			if _, thrown := r.(js.Error); !thrown {
				panic(r)
			}
			v = js.Undefined()
		}
	}()
	return fn()
}

// Try runs fn and turns a JavaScript exception that escapes from it, or the use of a value of the
// wrong type, into an error.
func Try(fn func() js.Value) (v js.Value, err error) {
	defer func() {
		switch r := recover().(type) {
		case nil:
		case js.Error:
			err = AsError(r.Value)
		case *js.ValueError:
			err = &Error{Name: "TypeError", Message: r.Error()}
		default:
			panic(r)
		}
	}()
	return fn(), nil
}
