//go:build !unix

package look

// files: there is no bound.
func files(int) int64 { return 0 }
