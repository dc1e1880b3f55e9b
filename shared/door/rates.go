package door

import (
	"net/netip"
	"time"

	"goop/shared/wire"
)

// rate lets something happen once in a while, and some more times after a rest.
type rate struct {
	every time.Duration
	burst int
	who   string
}

// How often a host may announce itself, an address hosts, and an address hosts that the door does not know yet: after a
// rest as many times as the burst at once, and then one each time.
const (
	HostEvery    = 2 * time.Second
	HostBurst    = 10
	AddressEvery = time.Second
	AddressBurst = 60
	NewEvery     = time.Minute
	NewBurst     = 60

	// maxRates bounds the addresses of which the rates are remembered.
	maxRates = 20_000
)

var (
	hostRate    = rate{HostEvery, HostBurst, "this host announces itself"}
	addressRate = rate{AddressEvery, AddressBurst, "this address announces hosts"}
	newRate     = rate{NewEvery, NewBurst, "this address announces new hosts"}
)

// Bucket is the state of a rate: the moment, in milliseconds since 1970, at which its burst is whole again. So
// the zero Bucket has all of it.
type Bucket int64

// take counts one more, or tells when there may be one.
func (b *Bucket) take(r rate, now time.Time) error {
	at, ms := max(int64(*b), now.UnixMilli()), r.every.Milliseconds()
	if at > now.UnixMilli()+int64(r.burst)*ms { // more than there can be: the clock was set back
		at = now.UnixMilli()
	}
	if wait := at + ms - (now.UnixMilli() + int64(r.burst)*ms); wait > 0 {
		e := wire.E(wire.RateLimited, r.who, " too often")
		e.RetryAfter = wait
		return e
	}
	*b = Bucket(at + ms)
	return nil
}

// wider is how many times as much as a /64 all of an IPv6 /48 may do together: whoever is given one has 65,536 of the others.
const wider = 4

// Rates limits what each announcer's address (IPv6: each /64, and each /48) may do. It is kept in memory, and is not
// safe for concurrent use. The zero Rates is ready.
type Rates struct {
	announcements, newHosts map[string]Bucket
}

// Announcement counts one more announcement, before anything of it is read. The error is rate_limited.
func (r *Rates) Announcement(from netip.Addr, now time.Time) error {
	return take(&r.announcements, from, addressRate, now)
}

// NewHost counts one more host of which the door knows nothing yet, which fills its memory.
func (r *Rates) NewHost(from netip.Addr, now time.Time) error {
	return take(&r.newHosts, from, newRate, now)
}

func take(buckets *map[string]Bucket, from netip.Addr, r rate, now time.Time) error {
	network, _ := Network(from)
	b := (*buckets)[network]
	if err := b.take(r, now); err != nil {
		return err
	}
	site := siteOf(from)
	all := (*buckets)[site]
	if err := all.take(rate{r.every / wider, r.burst * wider, r.who}, now); site != "" && err != nil {
		return err
	}
	if *buckets == nil {
		*buckets = map[string]Bucket{}
	}
	if len(*buckets) >= maxRates {
		for k, v := range *buckets {
			if int64(v) <= now.UnixMilli() {
				delete(*buckets, k) // whole again: nothing is lost
			}
		}
		if len(*buckets) >= maxRates {
			clear(*buckets) // from so many addresses at once no rate helps, and memory is bounded
		}
	}
	(*buckets)[network] = b
	if site != "" {
		(*buckets)[site] = all
	}
	return nil
}

// siteOf names the /48 of an IPv6 address of the internet, and is empty for others.
func siteOf(a netip.Addr) string {
	a = a.Unmap().WithZone("")
	if !a.Is6() || ScopeOf(a) != Global {
		return ""
	}
	p, err := a.Prefix(48)
	if err != nil {
		return ""
	}
	return p.String()
}
