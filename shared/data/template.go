package data

import (
	"slices"
	"strconv"
	"strings"

	"goop/shared/group"
	"goop/shared/jsontext"
	"goop/shared/wire"
)

// Bounds of the templates of a goop.json, from which visitors make groups.
const (
	MaxTemplates      = 50
	MaxTemplateGroups = 1000 // largest "each" and "total"
	defaultEach       = 3    // groups of one template that one peer has made, when there is no "each"
	defaultTotal      = 200  // of all peers, when there is no "total"
)

// presets are the names of templates that say which type the groups have.
var presets = []group.Preset{group.Ephemeral, group.Persistent, group.OpenGroup, group.InviteOnly}

// Template returns the site's template of a name. The error is a *wire.Error with code invalid_value.
func (s *Site) Template(name string) (*group.Template, error) {
	var list []string
	for i := range s.Templates {
		if s.Templates[i].Name == name {
			return &s.Templates[i], nil
		}
		list = append(list, s.Templates[i].Name)
	}
	if list == nil {
		return nil, wire.E(wire.InvalidValue, `"template": this site's goop.json has no templates, under "create"`)
	}
	return nil, wire.E(wire.InvalidValue, `"template": this site has no template "`, clip(name), `"`, suggest(name, list),
		"; there are ", strings.Join(list, ", "))
}

// FromTemplate reports whether a group's configuration, checked JSON text, names a template. It then has
// nothing else but a name, since all else is as the site's author wrote it; the error is a *wire.Error.
func FromTemplate(config []byte) (bool, error) {
	from, other := false, ""
	for m := jsontext.MembersOf(config); m.Next(); {
		switch key := string(m.Key); key {
		case "template":
			from = true
		case "name":
		default:
			other = key
		}
	}
	if from && other != "" {
		return true, wire.E(wire.InvalidValue, `"`, clip(other), `" is not for a group that is made from a template; beside "template" it may have a "name"`)
	}
	return from, nil
}

func (p *siteParser) templates(raw []byte, s *Site) (out []group.Template, err error) {
	err = p.object(raw, "create", nil, func(name string, v []byte, path string) error {
		switch {
		case !wire.ValidID(name):
			return p.fail(v, path, `expected a template's name of 1 to 64 of a-z, A-Z, 0-9, "-", "_" and "."`)
		case len(out) == MaxTemplates:
			return p.fail(v, path, "expected at most ", strconv.Itoa(MaxTemplates), " templates")
		}
		t, err := p.template(name, v, path, s)
		out = append(out, t)
		return err
	})
	return out, err
}

// template reads a group's configuration with the keys each and total beside it.
func (p *siteParser) template(name string, raw []byte, path string, s *Site) (t group.Template, err error) {
	t = group.Template{Name: name, Each: defaultEach, Total: defaultTotal}
	typed := false
	config := jsontext.Writer{}
	config.Begin('{')
	err = p.object(raw, path, nil, func(key string, v []byte, path string) (err error) {
		switch key {
		case "each":
			t.Each, err = p.count(v, path)
			return err
		case "total":
			t.Total, err = p.count(v, path)
			return err
		case "id", "template":
			return p.fail(v, path, `expected no "`, key, `", which is each group's own`)
		case "type":
			typed = true
		}
		config.Key(key)
		config.Raw(v)
		return nil
	})
	if err != nil {
		return t, err
	}
	if preset := group.Preset(name); !typed && slices.Contains(presets, preset) {
		config.Key("type")
		config.Str(name)
	}
	config.End('}')
	if t.Config, err = p.group(raw, config.B, path, s); err == nil {
		t.Config.Template = name
	}
	return t, err
}

func (p *siteParser) count(raw []byte, path string) (int, error) {
	n, err := jsontext.Int(raw)
	if err != nil || n < 1 || n > MaxTemplateGroups {
		return 0, p.fail(raw, path, "expected an integer from 1 to ", strconv.Itoa(MaxTemplateGroups), ", got ", describe(raw))
	}
	return int(n), nil
}
