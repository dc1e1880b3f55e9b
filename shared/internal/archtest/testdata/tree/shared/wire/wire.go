// Package wire is in a browser too.
package wire

import (
	_ "strconv"
	_ "goop/host/relay"
	_ "fmt"
	_ "encoding/json"
	_ "net/http"
	_ "github.com/libp2p/go-libp2p"
)
