// Package store may use SQLite.
package store

import (
	_ "github.com/caddyserver/certmagic"
	_ "github.com/ncruces/go-sqlite3"
	_ "github.com/prometheus/client_golang/prometheus"
	_ "github.com/spf13/cobra"
	_ "github.com/syumai/workers"
	_ "goop/host/cmd/goop"
)
