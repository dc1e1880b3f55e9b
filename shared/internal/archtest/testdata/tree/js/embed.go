// Package js is a leaf.
package js

import (
	_ "embed"
	_ "goop/shared/wire"
)
