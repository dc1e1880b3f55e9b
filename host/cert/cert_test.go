package cert_test

import (
	"errors"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/mholt/acmez/v3/acme"

	"goop/host/cert"
)

func TestParseDomains(t *testing.T) {
	t.Parallel()
	got, err := cert.ParseDomains("--domain", []string{"Quiz.Example.org.", "quiz.example.org", "xn--bcher-kva.example", "a1.example"})
	if want := []string{"quiz.example.org", "xn--bcher-kva.example", "a1.example"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
	for _, s := range []string{"", "https://quiz.example.org", "quiz.example.org:443", "192.0.2.1", "::1", "*.example.org", "-a.example", "a-.example", "a..example",
		"bücher.example", strings.Repeat("a", 64) + ".example", strings.Repeat("a.", 130) + "example", "quiz_1.example.org", "../x"} {
		if got, err := cert.ParseDomains("--domain", []string{s}); err == nil || !strings.HasPrefix(err.Error(), "--domain") {
			t.Errorf("%.40q: got %q, %v, want an error that names the flag", s, got, err)
		}
	}
	var many []string
	for i := range cert.MaxDomains + 1 {
		many = append(many, string(rune('a'+i%26))+string(rune('a'+i/26))+".example")
	}
	if _, err := cert.ParseDomains("--domain", many); err == nil {
		t.Errorf("%d domains are taken", len(many))
	}
}

// TestExplain has an authority refuse, and looks for what the operator is told to do.
func TestExplain(t *testing.T) {
	t.Parallel()
	const ca = "https://acme.example/directory"
	problem := func(kind string) error {
		return errors.Join(errors.New("around it"), acme.Problem{Type: acme.ProblemTypeNamespace + kind, Status: 400, Detail: "its own\nwords"})
	}
	for _, tt := range []struct {
		err  error
		want string
	}{
		{problem("dns"), "add an A or AAAA record"},
		{problem("connection"), "port 443 or 80"},
		{problem("unauthorized"), "must be that of this machine"},
		{problem("tls"), "must be that of this machine"},
		{problem("rateLimited"), "too many requests"},
		{problem("rejectedIdentifier"), "gives no certificate for quiz.example.org"},
		{problem("caa"), "CAA record"},
		{problem("invalidContact"), "--acme-email"},
		{problem("serverInternal"), "refuses (serverInternal: its own words)"},
		{&url.Error{Op: "Get", URL: ca, Err: errors.New("no route to host")}, "cannot be asked (no route to host)"},
		{acme.Problem{Type: acme.ProblemTypeCompound, Subproblems: []acme.Subproblem{
			{Problem: acme.Problem{Type: acme.ProblemTypeCAA, Detail: "of another"}, Identifier: acme.Identifier{Value: "other.example.org"}},
			{Problem: acme.Problem{Type: acme.ProblemTypeDNS, Detail: "of this one"}, Identifier: acme.Identifier{Value: "quiz.example.org"}},
		}}, "add an A or AAAA record with the address of this machine (of this one)"},
		{errors.New(strings.Repeat("long ", 1000)), "…"},
	} {
		got := cert.Explain("quiz.example.org", ca, tt.err)
		if !strings.Contains(got, tt.want) || strings.Contains(got, "\n") || len(got) > 700 {
			t.Errorf("%.60q:\ngot  %q\nwant %q in one short line", tt.err, got, tt.want)
		}
	}
}

func TestNewManagedRefuses(t *testing.T) {
	t.Parallel()
	for _, o := range []cert.Options{
		{},
		{Domains: []string{"quiz.example.org"}, CA: "http://acme.example/directory"},
		{Domains: []string{"quiz.example.org"}, CA: "acme.example"},
		{Domains: []string{"quiz.example.org"}, Root: "no such file"},
		{Domains: []string{"quiz.example.org"}, Root: "cert.go"},
	} {
		if m, err := cert.NewManaged(o); err == nil {
			m.Close()
			t.Errorf("%+v is taken", o)
		}
	}
}
