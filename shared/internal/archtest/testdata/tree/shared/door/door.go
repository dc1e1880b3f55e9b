// Package door verifies by itself.
package door

import _ "crypto/ed25519"
