// Command member runs in a page.
package main

import (
	_ "goop/host/node"
	_ "syscall/js"
	_ "net/http"
)
