// Package link is not.
package link

import (
	_ "testing"
	_ "goop/shared/link/linktest"
)
