// Package node may use libp2p.
package node

import (
	_ "github.com/libp2p/go-libp2p"
	_ "goop/host/store"
	_ "goop/wasm/member"
)
