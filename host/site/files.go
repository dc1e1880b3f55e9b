package site

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path"
	"strconv"
	"strings"
)

// manifest is the site's description, which is for the host alone: its access rules are nobody's
// business.
const manifest = "goop.json"

// serveFile answers with a file of the site's folder.
func (s *Site) serveFile(w http.ResponseWriter, r *http.Request) {
	name, ok := fileName(r.URL.Path)
	if !ok || s.hidden(name) {
		s.notFound(w, r)
		return
	}
	// The kind is looked at before the file is opened: opening a named pipe would wait for a writer.
	info, err := fs.Stat(s.files, name)
	slash := strings.HasSuffix(r.URL.Path, "/")
	if err == nil && info.IsDir() {
		if !slash {
			to := url.URL{Path: r.URL.Path + "/", RawQuery: r.URL.RawQuery}
			w.Header().Set("Cache-Control", cacheAsk)
			w.Header().Set("Location", to.String())
			fail(w, http.StatusMovedPermanently, "The address of a folder ends in a slash.")
			return
		}
		slash = false
		name = path.Join(name, "index.html")
		info, err = fs.Stat(s.files, name)
	}
	switch {
	case err != nil:
		s.fileError(w, r, err)
	case slash || !info.Mode().IsRegular():
		s.notFound(w, r)
	default:
		if err := s.sendFile(w, r, name); err != nil {
			s.fileError(w, r, err)
		}
	}
}

// sendFile answers with a small file from memory, where it is kept compressed, and with a large one
// from the disk as it is. An error means that nothing was answered yet.
func (s *Site) sendFile(w http.ResponseWriter, r *http.Request, name string) error {
	f, err := s.files.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("%w: %w", errRead, err)
	}
	if info.Size() <= cacheFile {
		a, err := s.cache.get(name, f, info)
		if err != nil {
			return err
		}
		if link := s.links.of(r); a.member && link != "" {
			w.Header().Set("Link", link)
		}
		a.serve(w, r)
		return nil
	}
	seeker, ok := f.(io.ReadSeeker)
	if !ok {
		return fmt.Errorf("%w: %s is too large for a file that cannot seek", errRead, name)
	}
	h := w.Header()
	h.Set("Content-Type", typeOf(name))
	h.Set("Cache-Control", cacheAsk)
	if mod := info.ModTime(); !mod.IsZero() { // a file that is part of the program has no time
		// Too large to be hashed: the time, to the nanosecond, and the size stand for the content.
		h.Set("Etag", `"`+strconv.FormatInt(mod.UnixNano(), 36)+"-"+strconv.FormatInt(info.Size(), 36)+`"`)
	}
	http.ServeContent(w, r, "", info.ModTime(), seeker)
	return nil
}

// fileName turns the path of a URL into a name for fs.FS, and reports false for what is never served:
// dot files and folders, the manifest, and everything that some file system reads as another name for
// them or for a device.
func fileName(urlPath string) (string, bool) {
	name := strings.Trim(urlPath, "/")
	if !strings.HasPrefix(urlPath, "/") || urlPath != "/" && strings.TrimSuffix(urlPath[1:], "/") != name {
		return "", false // no slash, or more than one, at an end
	}
	if name == "" {
		return ".", true
	}
	if !fs.ValidPath(name) || strings.EqualFold(name, manifest) {
		return "", false
	}
	first := true
	for elem := range strings.SplitSeq(name, "/") {
		if elem[0] == '.' && !(first && elem == ".well-known") {
			return "", false
		}
		if strings.ContainsAny(elem, "\\:\x00") || strings.HasSuffix(elem, ".") || strings.HasSuffix(elem, " ") || shortName(elem) {
			return "", false
		}
		first = false
	}
	return name, true
}

// hidden reports whether a name leads into the hidden folder. It asks the file system, which may have
// several names for one folder: by capitals, by the form of its accents, by links.
func (s *Site) hidden(name string) bool {
	if s.hide == nil {
		return false
	}
	for i := range len(name) + 1 {
		if i < len(name) && name[i] != '/' {
			continue
		}
		info, err := fs.Stat(s.files, name[:i])
		if err != nil {
			return false // nothing lies below it
		}
		if os.SameFile(info, s.hide) {
			return true
		}
	}
	return false
}

// shortName reports whether an element may be the 8.3 name that Windows gives to another file, such as
// GOOP~1.JSO.
func shortName(elem string) bool {
	_, after, ok := strings.Cut(elem, "~")
	return ok && after != "" && '0' <= after[0] && after[0] <= '9'
}

// fileError answers for a file that could not be opened or read. A name that leads out of the folder
// and one that the file system does not take are as missing as any other.
func (s *Site) fileError(w http.ResponseWriter, r *http.Request, err error) {
	if !errors.Is(err, fs.ErrNotExist) {
		s.log.Warn("a file of the site was not served", "path", r.URL.Path, "error", err)
	}
	if errors.Is(err, errRead) {
		fail(w, http.StatusInternalServerError, "The host cannot read this file; its log has the details.")
		return
	}
	s.notFound(w, r)
}
