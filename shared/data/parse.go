package data

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"goop/shared/group"
	"goop/shared/jsontext"
	"goop/shared/wire"
)

// ParseSite reads a goop.json. The error is a *SiteError, about the first thing that is wrong.
func ParseSite(file []byte) (*Site, error) {
	p := siteParser{file: file}
	if len(file) > MaxSite {
		return nil, &SiteError{1, 1, "", "expected a file of at most " + strconv.Itoa(MaxSite) + " bytes"}
	}
	doc := file
	if bom := "\ufeff"; strings.HasPrefix(string(doc[:min(3, len(doc))]), bom) { // some editors write one
		doc = doc[len(bom):]
	}
	if err := jsontext.Check(doc); err != nil {
		at := 0
		if syntax, ok := errors.AsType[*jsontext.SyntaxError](err); ok {
			at = len(file) - len(doc) + min(syntax.Offset, len(doc))
			err = errors.New(syntax.What + slip(file, at))
		}
		return nil, p.at(at, "", err.Error())
	}
	s := &Site{}
	var groups, create []byte
	err := p.object(doc, "", siteKeys, func(key string, v []byte, path string) (err error) {
		switch key {
		case "$schema":
			_, err = p.text(v, path, MaxSite)
		case "name":
			s.Name, err = p.text(v, path, maxSiteName)
		case "csp":
			s.CSP, err = p.text(v, path, maxSiteCSP)
		case "tables":
			s.Tables, err = p.tables(v, path)
		case "views":
			s.Views, err = p.views(v, path)
		case "groups":
			groups = v
		case "create":
			create = v
		}
		return err
	})
	if err == nil {
		err = p.links(s)
	}
	if err == nil && groups != nil {
		s.Groups, err = p.groups(groups, s)
	}
	if err == nil && create != nil {
		s.Templates, err = p.templates(create, s)
	}
	if err != nil {
		return nil, err
	}
	return s, nil
}

// siteParser knows the file, of which every value that it reads is a part.
type siteParser struct {
	file   []byte
	unread []unread
	taken  names // of tables and views, in small letters
}

// at makes an error about a byte of the file.
func (p *siteParser) at(offset int, path, message string) error {
	before := p.file[:offset]
	line := 1 + strings.Count(string(before), "\n")
	start := strings.LastIndexByte(string(before), '\n') + 1
	return &SiteError{line, 1 + utf8.RuneCount(before[start:]), path, message}
}

// fail makes an error about a part of the file.
func (p *siteParser) fail(part []byte, path string, message ...string) error {
	offset, _ := p.offset(part)
	return p.at(offset, path, strings.Join(message, ""))
}

// offset finds where a part of the file begins. Parts are slices of the file that reach to its end in
// their capacity, which tells the distance; what is no part (a key with an escape in it) is not found.
func (p *siteParser) offset(part []byte) (int, bool) {
	n := cap(p.file) - cap(part)
	if len(part) == 0 || n < 0 || n >= len(p.file) || &p.file[n] != &part[0] {
		return 0, false
	}
	return n, true
}

// object walks over an object. Keys that are not in keys are refused, unless that is nil.
func (p *siteParser) object(raw []byte, path string, keys []string, set func(key string, v []byte, path string) error) error {
	if jsontext.KindOf(raw) != jsontext.Object {
		return p.fail(trim(raw), path, "expected an object, got ", describe(raw))
	}
	var seen names
	for m := jsontext.MembersOf(raw); m.Next(); {
		key, below := string(m.Key), join(path, string(m.Key))
		at, ok := p.offset(m.Key)
		if at--; !ok { // it is shown at its quote
			at, _ = p.offset(m.Value)
		}
		switch {
		case !seen.add(key):
			return p.at(at, below, "expected each key once, this one stands twice")
		case keys != nil && !slices.Contains(keys, key):
			return p.at(at, below, "unknown key"+suggest(key, keys)+", expected one of "+strings.Join(keys, ", "))
		}
		if err := set(key, m.Value, below); err != nil {
			return err
		}
	}
	return nil
}

func trim(raw []byte) []byte {
	for len(raw) > 1 && strings.IndexByte(" \t\r\n", raw[0]) >= 0 {
		raw = raw[1:]
	}
	return raw
}

func join(path, key string) string {
	if path == "" {
		return clip(key)
	}
	return path + "." + clip(key)
}

// text reads a string of one line.
func (p *siteParser) text(raw []byte, path string, most int) (string, error) {
	s, err := jsontext.Str(raw)
	if err != nil {
		return "", p.fail(raw, path, "expected a string, got ", describe(raw))
	}
	if utf8.RuneCountInString(s) > most {
		return "", p.fail(raw, path, "expected at most ", strconv.Itoa(most), " characters")
	}
	if strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return "", p.fail(raw, path, "expected text without control characters")
	}
	return s, nil
}

func (p *siteParser) boolean(raw []byte, path string) (bool, error) {
	b, err := jsontext.Boolean(raw)
	if err != nil {
		return false, p.fail(raw, path, "expected true or false, got ", describe(raw))
	}
	return b, nil
}

// elements walks over an array of at most so many elements.
func (p *siteParser) elements(raw []byte, path string, most int, each func(i int, v []byte, path string) error) error {
	if jsontext.KindOf(raw) != jsontext.Array {
		return p.fail(raw, path, "expected a list in [ ], got ", describe(raw))
	}
	i := 0
	for e := jsontext.ElementsOf(raw); e.Next(); i++ {
		if i == most {
			return p.fail(e.Value, path, "expected at most ", strconv.Itoa(most), " entries")
		}
		if err := each(i, e.Value, path+"["+strconv.Itoa(i)+"]"); err != nil {
			return err
		}
	}
	return nil
}

func (p *siteParser) groups(raw []byte, s *Site) (out []group.Config, err error) {
	err = p.elements(raw, "groups", MaxGroups, func(_ int, v []byte, path string) error {
		cfg, err := p.group(v, v, path, s)
		switch {
		case err != nil:
			return err
		case cfg.ID == "":
			return p.fail(v, path, `expected an "id", such as "lobby"`)
		case cfg.Template != "":
			return p.fail(v, path, `expected no "template", which is for groups that visitors make`)
		case slices.ContainsFunc(out, func(c group.Config) bool { return c.ID == cfg.ID }):
			return p.fail(v, path, `expected each id once, "`, string(cfg.ID), `" stands twice`)
		}
		out = append(out, cfg)
		return nil
	})
	return out, err
}

// group reads a group's configuration, and checks what it records. Faults are shown at part.
func (p *siteParser) group(part, config []byte, path string, s *Site) (group.Config, error) {
	cfg, err := group.ParseConfig(config)
	if err == nil {
		if wrong := s.CheckRecord(&cfg); wrong != nil {
			err = wrong
		}
	}
	if err != nil {
		return cfg, p.fail(part, path, messageOf(err))
	}
	return cfg, nil
}

// messageOf returns what an error says without its code.
func messageOf(err error) string {
	if e, ok := errors.AsType[*wire.Error](err); ok {
		return e.Message
	}
	return err.Error()
}
