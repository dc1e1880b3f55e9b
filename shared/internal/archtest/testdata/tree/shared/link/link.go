// Package link is not.
package link

import (
	_ "goop/shared/link/linktest"
	_ "testing"
)
