//go:build !js

package random

import "crypto/rand"

// fill has no browser in native tests.
func fill(b []byte) { rand.Read(b) }
