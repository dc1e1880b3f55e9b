package node

import (
	"encoding/hex"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// isRadio asks the kernel whether an interface is one of Wi-Fi, whatever its name.
func isRadio(name string) bool {
	for _, has := range []string{"wireless", "phy80211"} {
		if _, err := os.Stat(filepath.Join("/sys/class/net", filepath.Base(name), has)); err == nil {
			return true
		}
	}
	return false
}

// ipv6State is what the kernel knows of an IPv6 address and net does not tell.
type ipv6State struct{ passes, unfit bool }

// ipv6States reads /proc/net/if_inet6.
func ipv6States() map[netip.Addr]ipv6State {
	text, err := os.ReadFile("/proc/net/if_inet6")
	if err != nil {
		return nil
	}
	return parseIPv6States(string(text))
}

// The flags of linux/if_addr.h.
const (
	flagTemporary  = 0x01
	flagDADFailed  = 0x08
	flagDeprecated = 0x20
	flagTentative  = 0x40
)

// parseIPv6States reads lines of an address, and in hexadecimal the numbers of the interface, of the bits
// of its net, its scope and its flags, and the interface's name.
func parseIPv6States(text string) map[netip.Addr]ipv6State {
	states := map[netip.Addr]ipv6State{}
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) < 6 {
			continue
		}
		raw, err := hex.DecodeString(f[0])
		if err != nil {
			continue
		}
		ip, ok := netip.AddrFromSlice(raw)
		flags, err := strconv.ParseUint(f[4], 16, 32)
		if !ok || err != nil {
			continue
		}
		states[ip.Unmap()] = ipv6State{passes: flags&flagTemporary != 0, unfit: flags&(flagDADFailed|flagDeprecated|flagTentative) != 0}
	}
	return states
}
