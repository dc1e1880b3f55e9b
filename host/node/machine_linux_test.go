package node

import (
	"net/netip"
	"testing"
)

func TestIPv6States(t *testing.T) {
	t.Parallel()
	states := parseIPv6States(`00000000000000000000000000000001 01 80 10 80       lo
20010db8000000000000000000000005 02 40 00 80    wlan0
20010db800000000000000000000abcd 02 40 00 01    wlan0
20010db800000000000000000000dead 02 40 00 21    wlan0
20010db80000000000000000000000ff 02 40 00 c0    wlan0
not an address 02 40 00 80 wlan0
20010db8 02
`)
	for ip, want := range map[string]ipv6State{
		"::1": {}, "2001:db8::5": {}, "2001:db8::abcd": {passes: true}, "2001:db8::dead": {passes: true, unfit: true}, "2001:db8::ff": {unfit: true},
	} {
		if got, ok := states[netip.MustParseAddr(ip)]; !ok || got != want {
			t.Errorf("%s: got %+v, %v, want %+v", ip, got, ok, want)
		}
	}
	if len(states) != 5 {
		t.Errorf("got %d states, want 5", len(states))
	}
}
