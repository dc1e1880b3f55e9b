//go:build !linux

package node

import "net/netip"

// isRadio: here only the name tells.
func isRadio(string) bool { return false }

type ipv6State struct{ passes, unfit bool }

// ipv6States: here nobody tells which addresses are replaced after a while.
func ipv6States() map[netip.Addr]ipv6State { return nil }
