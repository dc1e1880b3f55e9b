package relay

import (
	"bytes"
	"cmp"
	"slices"
	"strconv"
	"strings"

	"goop/shared/group"
	"goop/shared/wire"
)

// fromTemplate returns the configuration of a group that a visitor makes: the template's, under the name
// that it gives and an id that it does not choose. Who could choose one would find out which are taken.
// It is called with manage held.
func (r *Relay) fromTemplate(creator wire.PeerID, asked *group.Config) (group.Config, error) {
	i := slices.IndexFunc(r.templates, func(t group.Template) bool { return t.Name == asked.Template })
	switch {
	case len(r.templates) == 0:
		return group.Config{}, wire.E(wire.Forbidden, "only the site's owner may create groups here")
	case asked.Template == "":
		return group.Config{}, wire.E(wire.Forbidden, "only the site's owner may create groups of any kind; others may with a template: ", r.templateNames())
	case i < 0:
		return group.Config{}, wire.E(wire.InvalidValue, `this site has no template "`, asked.Template, `"; there are `, r.templateNames())
	case asked.ID != "":
		return group.Config{}, wire.E(wire.InvalidValue, `"id" is not for a group that is made from a template: the host makes one`)
	}
	t := &r.templates[i]
	mine, all := 0, 0
	for _, h := range r.allHubs() {
		h.mu.Lock()
		if h.cfg.Template == t.Name {
			all++
			if h.cfg.Creator == creator {
				mine++
			}
		}
		h.mu.Unlock()
	}
	switch {
	case mine >= t.Each:
		return group.Config{}, wire.E(wire.LimitExceeded, "you have ", strconv.Itoa(mine), ` groups from the template "`, t.Name, `", and may have `, strconv.Itoa(t.Each), "; close one")
	case all >= t.Total:
		return group.Config{}, wire.E(wire.LimitExceeded, `there are as many groups from the template "`, t.Name, `" as there may be; try again later`)
	}
	cfg := t.Config
	cfg.ID, cfg.Template, cfg.Name = "", t.Name, cmp.Or(asked.Name, t.Config.Name)
	return cfg, nil
}

func (r *Relay) templateNames() string {
	var names []string
	for _, t := range r.templates {
		names = append(names, t.Name)
	}
	return strings.Join(names, ", ")
}

// mayChange returns nil when a caller may make a group what another configuration says. Of one that was
// made from a template, others than the site's owner may only change the name, or there would be groups that
// the site's author did not want; unless the template says itself who has the right to more.
func mayChange(caller group.Caller, old, next *group.Config) error {
	if _, told := old.Rights[group.Manage]; caller.Owner || old.Template == "" || told {
		return nil
	}
	renamed := *old
	renamed.Name = next.Name
	if !bytes.Equal(renamed.Append(nil), next.Append(nil)) {
		return wire.E(wire.Forbidden, `of a group that was made from a template, only the name can be changed`)
	}
	return nil
}
