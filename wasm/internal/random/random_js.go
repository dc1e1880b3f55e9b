package random

import "syscall/js"

// maxAtOnce is what getRandomValues gives in one call.
const maxAtOnce = 65536

func fill(b []byte) {
	crypto, array := js.Global().Get("crypto"), js.Global().Get("Uint8Array")
	for len(b) > 0 {
		part := array.New(min(len(b), maxAtOnce))
		crypto.Call("getRandomValues", part)
		b = b[js.CopyBytesToGo(b, part):]
	}
}
