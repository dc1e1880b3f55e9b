// Command goop ties things together.
package main

import (
	_ "goop/host/store"
	_ "goop/host/node"
	_ "github.com/spf13/cobra"
)
