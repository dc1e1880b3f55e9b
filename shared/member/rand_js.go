package member

import "io"

// defaultRand is nobody: crypto/rand would make the page's program a tenth larger, and the page has its own.
var defaultRand io.Reader
