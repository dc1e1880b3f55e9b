package sitefetch

import (
	"bytes"
	"io"
	"strconv"
	"strings"
	"time"

	"goop/shared/link"
	"goop/shared/wire"
)

// bodyTime is how long a Read of a body waits for the next byte.
const bodyTime = 30 * time.Second

// Response is the head of an answer, and its body.
type Response struct {
	Status int
	Reason string  // the status line's words, which may be none, in ASCII
	Header []Field // without those that are about the connection
	Body   *Body   // never nil; the caller reads it to its end or closes it
}

// Get returns the value of the first header of a name, "" for none.
func (r *Response) Get(name string) string {
	for _, f := range r.Header {
		if strings.EqualFold(f.Name, name) {
			return f.Value
		}
	}
	return ""
}

var errHead = wire.E(wire.BadMessage, "the host's answer is not HTTP/1.1 as this page understands it")

// head is what stands before the body.
type head struct {
	status int
	reason string
	fields []Field
	length int64 // -1: the body ends with the stream
}

// parseHead reads a status line and headers, the blank line behind them included. An error has code bad_message.
func parseHead(b []byte) (h head, err error) {
	text, ok := strings.CutSuffix(string(b), "\r\n\r\n")
	if !ok {
		return h, errHead
	}
	line, rest, _ := strings.Cut(text, "\r\n")
	code, ok := strings.CutPrefix(line, "HTTP/1.1 ")
	if !ok || len(code) < 4 || code[3] != ' ' || !all(code[:3], digit) || !isValue(code[4:]) {
		return h, errHead
	}
	h.status, _ = strconv.Atoi(code[:3])
	if all(code[4:], ascii) { // a page takes no others, and nobody reads them
		h.reason = code[4:]
	}
	h.length = -1
	if h.status < 200 || h.status > 599 { // nothing was asked to which 1xx would be an answer
		return h, errHead
	}
	for rest != "" {
		line, rest, _ = strings.Cut(rest, "\r\n")
		name, value, ok := strings.Cut(line, ":")
		value = strings.Trim(value, " \t")
		if !ok || !isToken(name) || !isValue(value) || len(h.fields) == maxFields {
			return h, errHead
		}
		switch strings.ToLower(name) {
		case "transfer-encoding", "upgrade", "trailer": // a host frames no body in other ways than by its length
			return h, errHead
		case "content-length":
			n, ok := parseLength(value)
			if !ok || h.length >= 0 {
				return h, errHead
			}
			h.length = n
		case "connection", "keep-alive", "proxy-connection":
			continue
		}
		h.fields = append(h.fields, Field{name, value})
	}
	return h, nil
}

func ascii(c byte) bool { return c < 0x80 }

func digit(c byte) bool { return '0' <= c && c <= '9' }

// parseLength reads a Content-Length; a page's numbers end at 2^53-1.
func parseLength(s string) (int64, bool) {
	if s == "" || len(s) > 16 || !all(s, digit) {
		return 0, false
	}
	n, err := strconv.ParseInt(s, 10, 64)
	return n, err == nil && n < 1<<53
}

// receive reads the head of the answer to a method from a stream, of which the Body then has the rest. heard is
// called whenever something has arrived, and ended once when the body is over, unless there is an error.
func receive(stream link.Stream, method string, heard func(), ended func(left int64)) (*Response, error) {
	buf := make([]byte, 0, 4<<10)
	for {
		if len(buf) == cap(buf) {
			buf = append(buf, 0)[:len(buf)]
		}
		n, err := stream.Read(buf[len(buf):min(cap(buf), maxHead)])
		from := max(0, len(buf)-3)
		buf = buf[:len(buf)+n]
		if n > 0 {
			heard()
		}
		if i := bytes.Index(buf[from:], []byte("\r\n\r\n")); i >= 0 {
			end := from + i + 4
			return answer(stream, method, buf[:end], buf[end:], heard, ended)
		}
		switch {
		case err == io.EOF:
			return nil, wire.E(wire.Offline, "the host ended its answer in the middle")
		case err != nil:
			return nil, err
		case len(buf) >= maxHead:
			return nil, errHead
		}
	}
}

func answer(stream link.Stream, method string, top, rest []byte, heard func(), ended func(left int64)) (*Response, error) {
	h, err := parseHead(top)
	if err != nil {
		return nil, err
	}
	body := &Body{stream: stream, rest: rest, left: h.length, heard: heard, ended: ended}
	if method == "HEAD" || h.status == 204 || h.status == 205 || h.status == 304 {
		body.left = 0
	}
	if body.left == 0 {
		body.end()
	}
	return &Response{Status: h.status, Reason: h.reason, Header: h.fields, Body: body}, nil
}

// Body is what follows the head. It asks the host for more only as it is read, so that a slow reader slows down the host.
type Body struct {
	stream link.Stream
	rest   []byte // came with the head
	left   int64  // bytes that are missing; -1 until the stream ends
	over   bool   // the stream is not used any more
	closed bool   // by Close, before the end
	heard  func()
	ended  func(left int64) // is told how much was not read, -1 for nobody knows
}

// Read reads as io.Reader does. It returns io.EOF at the body's end alone; one that was cut is an error with code
// offline, and 30 s without a byte one with code timeout.
func (b *Body) Read(p []byte) (int, error) {
	switch {
	case b.closed:
		return 0, link.ErrClosed
	case b.over:
		return 0, io.EOF
	}
	if b.left > 0 {
		p = p[:min(int64(len(p)), b.left)]
	}
	n, err := copy(p, b.rest), error(nil)
	if n > 0 {
		b.rest = b.rest[n:]
	} else {
		b.stream.SetReadDeadline(time.Now().Add(bodyTime))
		if n, err = b.stream.Read(p); n > 0 {
			b.heard()
		}
	}
	if b.left > 0 {
		b.left -= int64(n)
	}
	switch {
	case b.left == 0, err == io.EOF && b.left < 0:
		b.end()
		if n > 0 {
			err = nil
		} else {
			err = io.EOF
		}
	case err != nil:
		b.Close()
		err = broken(err)
	}
	return n, err
}

// broken is the error of a body that did not come whole.
func broken(err error) error {
	if late, ok := err.(interface{ Timeout() bool }); ok && late.Timeout() {
		return &wire.Error{Code: wire.Timeout, Message: "the host stopped in the middle of its answer", Err: err}
	}
	return &wire.Error{Code: wire.Offline, Message: "the answer was cut", Err: err}
}

// Over tells whether there is nothing more to read.
func (b *Body) Over() bool { return b.over }

// Close gives up what was not read. It may be called at any time and more than once, but not while a Read waits.
func (b *Body) Close() error {
	if !b.over {
		b.over, b.closed = true, true
		b.stream.Reset()
		b.ended(b.left)
	}
	return nil
}

// end lets go of a stream whose answer is complete.
func (b *Body) end() {
	if !b.over {
		b.over = true
		b.stream.Close()
		b.ended(0)
	}
}
