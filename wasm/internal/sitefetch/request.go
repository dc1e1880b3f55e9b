package sitefetch

import (
	"strings"

	"goop/shared/wire"
)

// Bounds of one request and one answer.
const (
	// maxRequest is what a host reads of a request line and headers, in bytes.
	maxRequest = 16 << 10
	// maxTarget is the longest path with its query that a host takes, in bytes.
	maxTarget = 8 << 10
	// maxHead bounds the status line and headers of an answer, in bytes.
	maxHead = 32 << 10
	// maxFields bounds the headers of an answer.
	maxFields = 100
)

// Field is one header line.
type Field struct{ Name, Value string }

// Request is what is asked for. It has no body: a host takes none.
type Request struct {
	Method string // such as "GET"
	Target string // the path with its query, as in "/play?match=1"
	Host   string // the Host header: the page's own host and port
	Header []Field
}

// append appends the request as it goes over the wire. Its error has code invalid_value or too_large.
func (r *Request) append(dst []byte) ([]byte, error) {
	switch {
	case !isToken(r.Method):
		return nil, wire.E(wire.InvalidValue, "not a method: ", r.Method)
	case !strings.HasPrefix(r.Target, "/") || !all(r.Target, visible):
		return nil, wire.E(wire.InvalidValue, "not a path: ", r.Target)
	case len(r.Target) > maxTarget:
		return nil, wire.E(wire.TooLarge, "the address is longer than 8 KiB")
	case r.Host == "" || !all(r.Host, visible):
		return nil, wire.E(wire.InvalidValue, "not a host: ", r.Host)
	}
	begin := len(dst)
	dst = append(dst, r.Method...)
	dst = append(dst, ' ')
	dst = append(dst, r.Target...)
	dst = append(dst, " HTTP/1.1\r\n"...)
	dst = appendField(dst, Field{"Host", r.Host})
	dst = appendField(dst, Field{"Connection", "close"})
	for _, f := range r.Header {
		if !isToken(f.Name) || !isValue(f.Value) {
			return nil, wire.E(wire.InvalidValue, "not a header: ", f.Name)
		}
		if perHop(f.Name) {
			continue
		}
		dst = appendField(dst, f)
	}
	dst = append(dst, "\r\n"...)
	if len(dst)-begin > maxRequest {
		return nil, wire.E(wire.TooLarge, "the request is longer than 16 KiB")
	}
	return dst, nil
}

func appendField(dst []byte, f Field) []byte {
	dst = append(dst, f.Name...)
	dst = append(dst, ": "...)
	dst = append(dst, f.Value...)
	return append(dst, "\r\n"...)
}

// perHop tells whether a header is about the way from one machine to the next, which is this package's business.
func perHop(name string) bool {
	switch strings.ToLower(name) {
	case "connection", "content-length", "expect", "host", "keep-alive", "proxy-authorization", "proxy-connection", "te", "trailer",
		"transfer-encoding", "upgrade":
		return true
	}
	return false
}

// isToken tells whether s is a token of RFC 9110, section 5.6.2.
func isToken(s string) bool {
	return s != "" && all(s, func(c byte) bool {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
			return true
		}
		return strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0
	})
}

// isValue tells whether s may stand behind a header's name: no control characters but the tab.
func isValue(s string) bool {
	return all(s, func(c byte) bool { return c == '\t' || c >= ' ' && c != 0x7f })
}

func visible(c byte) bool { return c > ' ' && c < 0x7f }

func all(s string, is func(byte) bool) bool {
	for i := range len(s) {
		if !is(s[i]) {
			return false
		}
	}
	return true
}
