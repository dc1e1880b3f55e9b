// Command member runs in a page.
package main

import (
	_ "goop/host/node"
	_ "net/http"
	_ "syscall/js"
)
