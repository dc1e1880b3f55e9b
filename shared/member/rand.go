//go:build !js

package member

import "crypto/rand"

var defaultRand = rand.Reader
