package main

import "syscall/js"

var f = js.FuncOf(nil)
