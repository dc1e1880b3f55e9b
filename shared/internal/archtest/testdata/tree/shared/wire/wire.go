// Package wire is in a browser too.
package wire

import (
	_ "encoding/json"
	_ "fmt"
	_ "github.com/libp2p/go-libp2p"
	_ "goop/host/relay"
	_ "net/http"
	_ "strconv"
)
