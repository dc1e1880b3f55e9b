//go:build !windows

package main

import "os"

// showsColours: all terminals of these systems do.
func showsColours(*os.File) bool { return true }
