// Package templates holds the sites that come with the binary. It is a leaf: files and nothing else.
// The file systems it hands out are read-only and safe for many goroutines.
package templates

import (
	"embed"
	"io/fs"
)

//go:embed chess
var sites embed.FS

// Chess returns the site that goop serves when it is given none: chess for two, with a lobby.
// Its root is the site's root, where goop.json lies.
func Chess() fs.FS {
	site, err := fs.Sub(sites, "chess")
	if err != nil {
		panic(err) // the name above is a constant
	}
	return site
}
