// Package data may use fmt.
package data

import (
	_ "database/sql"
	_ "fmt"
	_ "syscall/js"
)
