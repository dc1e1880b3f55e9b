package cert

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/mholt/acmez/v3/acme"
)

// What asking the authority's directory costs at most, and how long it is waited between two attempts: short at
// first, for a machine that has just started may have no network yet.
const (
	askTimeout = 10 * time.Second
	askFirst   = time.Second
	askLast    = time.Minute
)

// awaitCA waits until the authority answers, and reports whether it did before the end. An attempt that reaches
// nobody would be followed by a pause of minutes.
func (m *Managed) awaitCA(domain string) bool {
	for pause := askFirst; ; pause = min(2*pause, askLast) {
		err := m.askCA()
		if err == nil {
			m.mu.Lock()
			delete(m.problems, domain)
			m.mu.Unlock()
			return true
		}
		if m.ctx.Err() != nil {
			return false
		}
		m.fail(domain, err)
		select {
		case <-time.After(pause):
		case <-m.ctx.Done():
			return false
		}
	}
}

func (m *Managed) askCA() error {
	ctx, cancel := context.WithTimeout(m.ctx, askTimeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, m.opts.CA, nil)
	if err != nil {
		return err
	}
	res, err := m.client.Do(r)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if _, err := io.CopyN(io.Discard, res.Body, maxFile); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("the directory answers %s", res.Status)
	}
	return nil
}

// Explain says in one sentence why there is no certificate for a domain, and what to do.
func Explain(domain, ca string, err error) string {
	p, ok := problemOf(domain, err)
	if !ok {
		err = unreached(err)
		return fmt.Sprintf("the certificate authority %s cannot be asked (%s); is this machine online, and is --acme-ca right?", ca, oneLine(err.Error()))
	}
	detail, kind := oneLine(p.Detail), p.Type
	switch { // authorities do not agree about these two
	case kind == acme.ProblemTypeMalformed && strings.Contains(detail, "resolve"):
		kind = acme.ProblemTypeDNS
	case kind == acme.ProblemTypeUnauthorized && strings.Contains(detail, "Failed to connect"):
		kind = acme.ProblemTypeConnection
	}
	switch kind {
	case acme.ProblemTypeDNS:
		return fmt.Sprintf("the name %s is not in the DNS, or has no address: add an A or AAAA record with the address of this machine (%s)", domain, detail)
	case acme.ProblemTypeConnection:
		return fmt.Sprintf("%s does not answer at port 443 or 80 from the internet: does its address in the DNS belong to this machine, and do a router and a firewall let both ports through? (%s)", domain, detail)
	case acme.ProblemTypeUnauthorized, acme.ProblemTypeTLS, acme.ProblemTypeIncorrectResponse:
		return fmt.Sprintf("somebody else answers for %s at port 443 or 80: its address in the DNS must be that of this machine, without a proxy of another provider between (%s)", domain, detail)
	case acme.ProblemTypeRateLimited:
		return fmt.Sprintf("the certificate authority %s has had too many requests for %s; leave the host running and it asks again later (%s)", ca, domain, detail)
	case acme.ProblemTypeRejectedIdentifier, acme.ProblemTypeUnsupportedIdentifier:
		return fmt.Sprintf("the certificate authority %s gives no certificate for %s (%s)", ca, domain, detail)
	case acme.ProblemTypeCAA:
		return fmt.Sprintf("a CAA record of %s in the DNS forbids the certificate authority %s: change it, or choose another with --acme-ca (%s)", domain, ca, detail)
	case acme.ProblemTypeInvalidContact, acme.ProblemTypeUnsupportedContact:
		return fmt.Sprintf("the certificate authority %s does not take the address of --acme-email (%s)", ca, detail)
	}
	return fmt.Sprintf("the certificate authority %s refuses (%s: %s)", ca, strings.TrimPrefix(p.Type, acme.ProblemTypeNamespace), detail)
}

// problemOf returns what an authority has said of a domain, if that is what went wrong. Its words are in the subproblem
// when there are several names, and in the challenge else.
func problemOf(domain string, err error) (acme.Problem, bool) {
	p, ok := errors.AsType[acme.Problem](err)
	for _, s := range p.Subproblems {
		if s.Identifier.Value == domain {
			p = s.Problem
		}
	}
	return p, ok
}

// unreached is why nobody was reached, without what was asked.
func unreached(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		return u.Err
	}
	return err
}

// cause names what went wrong, without what differs from one attempt to the next: tokens, and the numbers of ports.
func cause(domain string, err error) string {
	if p, ok := problemOf(domain, err); ok {
		return p.Type
	}
	return strings.Map(func(r rune) rune {
		if '0' <= r && r <= '9' {
			return -1
		}
		return r
	}, unreached(err).Error())
}

// How long nothing is said of a problem that was told and is still there: after each time twice as long.
const (
	tellFirst = 10 * time.Minute
	tellLast  = 24 * time.Hour
)

// told is what the operator has been told of one cause.
type told struct {
	times int           // that it kept a certificate from coming
	pause time.Duration // until it is told again
	next  time.Time
}

// again counts one more failure, and reports whether to tell of it.
func (t *told) again(now time.Time) bool {
	t.times++
	if now.Before(t.next) {
		return false
	}
	t.pause = min(max(2*t.pause, tellFirst), tellLast)
	t.next = now.Add(t.pause)
	return true
}

// oneLine keeps what others say on one line, and short.
func oneLine(s string) string {
	const most = 300
	s = strings.Join(strings.Fields(s), " ")
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}
