package dial

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"goop/shared/member"
	"goop/shared/wire"
)

// attempt is one URL to try.
type attempt struct {
	transport string
	url       string
	dial      func(ctx context.Context) (Session, error)
}

// attempts returns what can be tried for a descriptor, of each kind in the host's order.
func (d *Dialer) attempts(desc *wire.Descriptor, sign signer) (webTransport, webSocket []attempt) {
	if d.platform.WebTransport != nil && d.opts.Transport != WebSocket {
		for _, a := range desc.WebTransport[:min(len(desc.WebTransport), maxURLs)] {
			webTransport = append(webTransport, attempt{WebTransport, a.URL, func(ctx context.Context) (Session, error) {
				return d.overWebTransport(ctx, a, desc.Peer, sign)
			}})
		}
	}
	if d.opts.Transport != WebTransport {
		for _, url := range desc.WebSocket[:min(len(desc.WebSocket), maxURLs)] {
			webSocket = append(webSocket, attempt{WebSocket, url, func(ctx context.Context) (Session, error) {
				return d.overWebSocket(ctx, url, desc.Peer, sign)
			}})
		}
	}
	return webTransport, webSocket
}

// race tries both kinds and returns the first connection. WebTransport has a head start, but on a network that
// it did not get through of late. What comes later is closed.
func (d *Dialer) race(ctx context.Context, desc *wire.Descriptor, kept *kept) (member.Conn, error) {
	webTransport, webSocket := d.attempts(desc, kept.signer)
	if len(webTransport)+len(webSocket) == 0 {
		return nil, d.nothing(desc)
	}
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	won := make(chan member.Conn, 1)
	defer func() {
		cancel()
		wg.Wait()
		select {
		case c := <-won: // after the one that was returned, by a hair
			c.Close()
		default:
		}
	}()

	tried := make(chan []failure, 2)
	run := func(list []attempt) {
		wg.Go(func() {
			c, failures := d.try(ctx, list, desc.Peer, kept)
			if c == nil {
				tried <- failures
				return
			}
			select {
			case won <- c:
				cancel()
			default: // the other one was first
				c.Close()
			}
		})
	}
	network, both := d.networkOf(desc), len(webTransport) > 0 && len(webSocket) > 0
	var opened, recalled <-chan struct{}
	var late <-chan time.Time
	running := 1
	switch {
	case len(webTransport) == 0:
		run(webSocket)
	case len(webSocket) == 0:
		run(webTransport)
	default:
		run(webTransport)
		opened, recalled = kept.opened, kept.recalled
	}
	waits := both
	second := func() { // WebSocket too, once
		if waits {
			waits = false
			running++
			run(webSocket)
		}
	}
	over := func(c member.Conn) (member.Conn, error) {
		cancel() // before the memory, which may take a moment
		if both {
			<-kept.recalled
			d.learn(ctx, desc.Peer, network, c.Transport() == WebTransport)
		}
		return c, nil
	}
	var failures []failure
	for running > 0 {
		select {
		case c := <-won:
			return over(c)
		case <-recalled:
			recalled = nil
			if d.networks.deaf(network, time.Now()) {
				second()
			}
		case <-opened: // without the key nobody gets far, so the head start begins here
			opened = nil
			timer := time.NewTimer(headStart)
			defer timer.Stop()
			late = timer.C
		case <-late:
			second()
		case f := <-tried:
			failures = append(failures, f...)
			running--
			second() // no need to wait any longer
		}
	}
	select {
	case c := <-won: // just before the other one gave up
		return over(c)
	default:
		return nil, verdict(ctx, failures)
	}
}

// try makes one attempt after the other.
func (d *Dialer) try(ctx context.Context, list []attempt, host wire.PeerID, kept *kept) (*conn, []failure) {
	var failures []failure
	for i, a := range list {
		limited, cancel := ctx, context.CancelFunc(func() {})
		if i < len(list)-1 {
			limited, cancel = context.WithTimeoutCause(ctx, attemptLimit, wire.E(wire.Timeout, "no answer in time"))
		}
		s, err := a.dial(limited)
		cancel()
		if err == nil {
			return newConn(s, kept.key.Peer(), host, a.transport), nil
		}
		failures = append(failures, failure{a, err})
		if ctx.Err() != nil {
			break
		}
	}
	return nil, failures
}

// failure is an attempt that came to nothing.
type failure struct {
	attempt
	err error
}

// verdict makes one error of all failures.
func verdict(ctx context.Context, failures []failure) error {
	e := &wire.Error{Code: wire.Offline}
	late := 0
	tried := make([]string, 0, len(failures))
	for _, f := range failures {
		tried = append(tried, f.url+" ("+reason(f.err)+")")
		switch {
		case errors.Is(f.err, wire.WrongHost):
			e.Code, e.Err = wire.WrongHost, f.err
		case errors.Is(f.err, wire.Timeout):
			late++
		}
	}
	if late == len(failures) {
		e.Code = wire.Timeout
	}
	if cause := context.Cause(ctx); errors.Is(cause, context.Canceled) {
		return cause // the caller has given up
	}
	e.Message = "the host was not reached; tried " + strings.Join(tried, ", ")
	if e.Code == wire.WrongHost {
		e.Message = "another host answered; tried " + strings.Join(tried, ", ")
	}
	return e
}

// reason is the part of an error that is worth a place in a list.
func reason(err error) string {
	if e, ok := errors.AsType[*wire.Error](err); ok {
		if e.Err != nil {
			return e.Message + ": " + e.Err.Error()
		}
		return e.Message
	}
	return err.Error()
}

// nothing is the error for a host that offers no way that this page could use.
func (d *Dialer) nothing(desc *wire.Descriptor) error {
	switch {
	case d.opts.Transport == WebTransport && d.platform.WebTransport == nil:
		return wire.E(wire.NotSupported, "this page has no WebTransport: it needs https or localhost, and a browser that knows it")
	case len(desc.WebTransport) > 0 && d.platform.WebTransport == nil:
		return wire.E(wire.Offline, "the host offers WebTransport alone, which this page does not have")
	}
	return wire.E(wire.Offline, "the host offers no way to reach it")
}
