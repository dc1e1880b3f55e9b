// Command goop ties things together.
package main

import (
	_ "github.com/spf13/cobra"
	_ "goop/host/node"
	_ "goop/host/store"
)
