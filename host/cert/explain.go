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
	p, ok := errors.AsType[acme.Problem](err)
	if !ok {
		if u, ok := errors.AsType[*url.Error](err); ok {
			err = u.Err
		}
		return fmt.Sprintf("the certificate authority %s cannot be asked (%s); is this machine online, and is --acme-ca right?", ca, oneLine(err.Error()))
	}
	// The authority's own words are in the subproblem when there are several names, and in the challenge else.
	detail := oneLine(p.Detail)
	for _, s := range p.Subproblems {
		if s.Identifier.Value == domain {
			p, detail = s.Problem, oneLine(s.Detail)
		}
	}
	kind := p.Type
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

// oneLine keeps what others say on one line, and short.
func oneLine(s string) string {
	const most = 300
	s = strings.Join(strings.Fields(s), " ")
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}
