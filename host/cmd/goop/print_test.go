package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"strings"
	"testing"

	"goop/host/control"
	"goop/shared/wire"
)

// What a host, a door or an authority says of an error does not steer the terminal.
func TestErrorsOfOthersDoNotSteerTheTerminal(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = c.Read(make([]byte, 4096))
			fmt.Fprint(c, "HTTP/1.1 500 \x1b]0;owned\x07\x1b[2J\r\nContent-Length: 0\r\n\r\n")
			c.Close()
		}
	}()
	var out, errs bytes.Buffer
	run(context.Background(), []string{"query", "--anonymous", "http://" + l.Addr().String(), "moves"}, strings.NewReader(""), &out, &errs)
	const evil = "\x1b[2Jall is well\u202e"
	status := control.Status{
		Door:         &control.Door{Problem: evil, Last: 1},
		Certificates: []control.Certificate{{Names: []string{"a"}, Problem: evil}, {Names: []string{"b"}, Problem: evil, Expires: 1}},
	}
	if err := printStatus(&out, status); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"goop query":  errs.String(),
		"goop status": out.String(),
		"a refusal":   oneLine(wire.E(wire.Forbidden, evil)),
	} {
		if text == "" || strings.ContainsAny(text, "\x1b\x07\u202e") {
			t.Errorf("%s prints %q", name, text)
		}
	}
}
