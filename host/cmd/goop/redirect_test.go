package main

import (
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"goop/host/cert"
	"goop/host/node"
)

// Plain HTTP leads to names of the certificate, and nowhere else.
func TestPlainLeadsNowhereElse(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	certFile, keyFile := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	ownPair(t, 1, certFile, keyFile)
	files, err := cert.OpenFiles(certFile, keyFile, nil)
	if err != nil {
		t.Fatal(err)
	}
	h := &running{certs: files, node: &node.Node{}}
	for _, name := range []string{"chess.example.org", "quiz.example.org", "quiz.example.org:80", "QUIZ.example.org.", "evil.example", "evil.example:80", "quiz.example.org.evil.example", "[::1]", ""} {
		r := httptest.NewRequest("GET", "/play?match=1", nil)
		r.Host = name
		w := httptest.NewRecorder()
		h.plainFront(nil).ServeHTTP(w, r)
		want := "quiz"
		if strings.HasPrefix(name, "chess") {
			want = "chess" // the certificate is for all names below one
		}
		if to := w.Header().Get("Location"); !strings.HasPrefix(to, "https://"+want+".example.org:") || !strings.HasSuffix(to, "/play?match=1") {
			t.Errorf("%q leads to %q", name, to)
		}
	}
}
