// Package data may use fmt.
package data

import (
	_ "fmt"
	_ "syscall/js"
	_ "database/sql"
)
