package site

import (
	"io"
	"net/http"
	"strconv"
)

// What a visitor sees at an address that leads nowhere, and at that of the first page while a site has none.
const (
	missing = pageBegin + `<title>Not here</title>
<h1>There is nothing here</h1>
<p>This host answers, but it has no page at this address. <a href="/">Go to the first page</a>.</p>
`
	unbegun = pageBegin + `<title>No first page yet</title>
<h1>This site has no first page yet</h1>
<p>Its host is up. The page comes with an <code>index.html</code> in the site's folder.</p>
`
	pageBegin = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<style>
  body { font: 18px/1.5 system-ui, sans-serif; margin: 20vh auto 0; max-width: 30em; padding: 0 1.5em }
  h1 { font-size: 1.6em; line-height: 1.2; margin: 0 }
</style>
`
)

// notFound answers for a file that is not there.
func (s *Site) notFound(w http.ResponseWriter, r *http.Request) {
	page := missing
	if r.URL.Path == "/" {
		page = unbegun
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	write(w, r, http.StatusNotFound, []byte(page))
}

// fail answers with a sentence.
func fail(w http.ResponseWriter, status int, why string) {
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(len(why)+1))
	w.WriteHeader(status)
	io.WriteString(w, why+"\n") // a visitor who went away is no fault of ours
}

// write answers with a short text.
func write(w http.ResponseWriter, r *http.Request, status int, body []byte) {
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		w.Write(body)
	}
}
