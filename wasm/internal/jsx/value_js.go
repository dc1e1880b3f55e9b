package jsx

import (
	"syscall/js"
	"unsafe"

	"goop/shared/wire"
)

// ValueOf is js.ValueOf for more types: []byte becomes a Uint8Array of its own, error an Error,
// []string and map[string]string an array and an object; []any and map[string]any may hold all of
// these. Like js.ValueOf it panics for what it does not know.
func ValueOf(v any) js.Value {
	switch v := v.(type) {
	case []byte:
		return Uint8Array(v)
	case error:
		return ErrorValue(v)
	case []string:
		a := js.Global().Get("Array").New(len(v))
		for i, s := range v {
			a.SetIndex(i, s)
		}
		return a
	case map[string]string:
		o := js.Global().Get("Object").New()
		for k, s := range v {
			o.Set(k, s)
		}
		return o
	case []any:
		a := js.Global().Get("Array").New(len(v))
		for i, e := range v {
			a.SetIndex(i, ValueOf(e))
		}
		return a
	case map[string]any:
		o := js.Global().Get("Object").New()
		for k, e := range v {
			o.Set(k, ValueOf(e))
		}
		return o
	}
	return js.ValueOf(v)
}

// Uint8Array returns a new Uint8Array with a copy of b.
func Uint8Array(b []byte) js.Value {
	a := js.Global().Get("Uint8Array").New(len(b))
	js.CopyBytesToJS(a, b)
	return a
}

// Text returns the string of UTF-8 bytes. JavaScript makes a copy, so Go makes none.
func Text(b []byte) js.Value { return js.ValueOf(unsafe.String(unsafe.SliceData(b), len(b))) }

// Bytes returns a copy of what an ArrayBuffer or a view of one (Uint8Array, DataView, …) holds. Any
// other value is an error with code invalid_value.
func Bytes(v js.Value) ([]byte, error) {
	array := js.Global().Get("Uint8Array")
	switch {
	case v.Type() != js.TypeObject:
		return nil, wire.E(wire.InvalidValue, "the value is not binary data: use an ArrayBuffer or a view of one")
	case v.InstanceOf(array):
	case js.Global().Get("ArrayBuffer").Call("isView", v).Bool():
		v = array.New(v.Get("buffer"), v.Get("byteOffset"), v.Get("byteLength"))
	case v.InstanceOf(js.Global().Get("ArrayBuffer")):
		v = array.New(v)
	default:
		return nil, wire.E(wire.InvalidValue, "the value is not binary data: use an ArrayBuffer or a view of one")
	}
	b := make([]byte, v.Get("length").Int())
	js.CopyBytesToGo(b, v)
	return b, nil
}

// Parse returns the value of a JSON text.
func Parse(text []byte) (js.Value, error) {
	return Try(func() js.Value { return js.Global().Get("JSON").Call("parse", string(text)) })
}

// Stringify returns the JSON text of a value. A value that has none (a function, a cycle, a BigInt)
// is an error with code invalid_value.
func Stringify(v js.Value) ([]byte, error) {
	text, err := Try(func() js.Value { return js.Global().Get("JSON").Call("stringify", v) })
	if err != nil {
		return nil, &wire.Error{Code: wire.InvalidValue, Message: "the value cannot be written as JSON", Err: err}
	}
	if text.Type() != js.TypeString {
		return nil, wire.E(wire.InvalidValue, "the value is ", v.Type().String(), ", which JSON does not have")
	}
	return []byte(text.String()), nil
}

// Get returns a property of a page's object. Unlike Value.Get it turns an exception of a getter into
// an error, where the whole program would end.
func Get(object js.Value, property string) (js.Value, error) {
	return Try(func() js.Value { return js.Global().Get("Reflect").Call("get", object, property) })
}

// Set sets a property of a JavaScript object that may not let itself be written; see Get.
func Set(object js.Value, property string, v any) error {
	_, err := Try(func() js.Value {
		return js.Global().Get("Reflect").Call("set", object, property, ValueOf(v))
	})
	return err
}
