package terminal

import (
	"fmt"
	"net/url"
	"strings"

	"goop/shared/wire"
)

// Address is what a link to a host says.
type Address struct {
	Origin string       // such as https://chess.example.org, without a path
	Group  wire.GroupID // of an invite link, otherwise ""
	Invite string       // its token, otherwise ""
}

// ParseAddress reads the address of any page of a host, or an invite link. Without a scheme it is http.
func ParseAddress(text string) (Address, error) {
	full := text
	if !strings.Contains(text, "://") {
		full = "http://" + text
	}
	u, err := url.Parse(full)
	if err != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https" {
		return Address{}, fmt.Errorf("%q is not the address of a page, such as http://192.168.1.5:7780/ or https://chess.example.org/", text)
	}
	a := Address{Origin: u.Scheme + "://" + u.Host}
	for part := range strings.SplitSeq(u.EscapedFragment(), "&") {
		link, ok := strings.CutPrefix(part, "goop-invite=")
		if !ok {
			continue
		}
		link, err := url.PathUnescape(link)
		at := strings.LastIndexByte(link, '.') // a group's id may have dots in it, a token has none
		if err != nil || at < 1 || at == len(link)-1 || !wire.ValidID(link[:at]) {
			return Address{}, fmt.Errorf("%q ends like an invite link, and is none: that ends with #goop-invite=GROUP.TOKEN", text)
		}
		a.Group, a.Invite = wire.GroupID(link[:at]), link[at+1:]
	}
	return a, nil
}
