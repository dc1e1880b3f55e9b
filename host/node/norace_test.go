//go:build !race

package node_test

const racing = false
