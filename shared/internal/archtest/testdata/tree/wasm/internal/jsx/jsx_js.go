// Package jsx is the place for it.
package jsx

import "syscall/js"

var f = js.FuncOf(nil)
