// Package templates holds the sites that come with the binary. It is a leaf: files and nothing else.
// The file systems it hands out are read-only and safe for many goroutines.
package templates

import (
	"embed"
	"io/fs"
	"slices"
)

// sites has a folder for each site, under the site's name, and one with what they have in common. A folder
// that is added here is a site more.
//
//go:embed */*
var sites embed.FS

// Default is the site that goop serves when it is given none: chess for two, with a lobby.
const Default = "chess"

// common is the folder whose files are part of every site.
const common = "common"

// Names lists the sites, in alphabetical order.
func Names() []string {
	folders, err := sites.ReadDir(".")
	if err != nil {
		panic(err) // the binary has it
	}
	var names []string
	for _, f := range folders {
		if f.Name() != common {
			names = append(names, f.Name())
		}
	}
	return names
}

// Site returns the files of a site. Its root is the site's root, where goop.json lies.
func Site(name string) (fs.FS, bool) {
	if !slices.Contains(Names(), name) {
		return nil, false
	}
	return layers{folder(name), folder(common)}, true
}

func folder(name string) fs.FS {
	files, err := fs.Sub(sites, name)
	if err != nil {
		panic(err) // the name is that of a folder
	}
	return files
}
