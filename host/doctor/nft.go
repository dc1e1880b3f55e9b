package doctor

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Ruleset is what stands in the kernel, as nft or iptables tells it.
type Ruleset struct {
	bases  []*nftChain // that look at what comes in, in their order
	chains map[string]*nftChain
	looked int // at rules, by the judgement that runs
}

type nftChain struct {
	key, name string
	prio      int
	policy    string
	rules     [][]map[string]json.RawMessage // of statements
}

// Bounds of one judgement: how far chains lead to others, and how many rules are looked at.
const (
	maxDepth = 16
	maxRules = 20_000
)

// ParseNFT reads what "nft -j list ruleset" prints. Tables that iptables has made are left out with without: nft
// does not tell all of their rules, and iptables does.
func ParseNFT(text []byte, without bool) (*Ruleset, error) {
	var all struct {
		Objects []struct {
			Chain *struct {
				Family, Table, Name, Type, Hook, Policy string
				Prio                                    int
			}
			Rule *struct {
				Family, Table, Chain string
				Expr                 []map[string]json.RawMessage
			}
		} `json:"nftables"`
	}
	if err := json.Unmarshal(text, &all); err != nil {
		return nil, fmt.Errorf("read the rules of nft: %w", err)
	}
	set := &Ruleset{chains: map[string]*nftChain{}}
	for _, o := range all.Objects {
		switch {
		case o.Chain != nil:
			c := &nftChain{key: o.Chain.Family + " " + o.Chain.Table + " ", name: o.Chain.Name, prio: o.Chain.Prio, policy: o.Chain.Policy}
			set.chains[c.key+c.name] = c
			if o.Chain.Hook == "input" && o.Chain.Type == "filter" {
				set.bases = append(set.bases, c)
			}
		case o.Rule != nil:
			if c := set.chains[o.Rule.Family+" "+o.Rule.Table+" "+o.Rule.Chain]; c != nil {
				c.rules = append(c.rules, o.Rule.Expr)
			}
		}
	}
	if without {
		foreign := map[string]bool{}
		for _, c := range set.chains {
			foreign[c.key] = foreign[c.key] || slices.ContainsFunc(c.rules, func(r []map[string]json.RawMessage) bool {
				return slices.ContainsFunc(r, func(st map[string]json.RawMessage) bool { return st["xt"] != nil })
			})
		}
		set.bases = slices.DeleteFunc(set.bases, func(c *nftChain) bool { return foreign[c.key] })
	}
	slices.SortStableFunc(set.bases, func(a, b *nftChain) int { return a.prio - b.prio })
	return set, nil
}

// Active reports whether anything looks at what comes in.
func (s *Ruleset) Active() bool {
	return slices.ContainsFunc(s.bases, func(c *nftChain) bool { return c.policy == "drop" || len(c.rules) > 0 })
}

// Judge follows a packet that comes from another machine and begins something new with a port. Each base chain
// has to let it pass. rule is the one that drops it, for people.
func (s *Ruleset) Judge(proto string, port int) (v Verdict, rule string) {
	v, s.looked = Passes, 0
	for _, base := range s.bases {
		o := s.walk(base, proto, port, 0)
		if o.v == "" { // the end of the chain
			o.v = Passes
			if base.policy == "drop" {
				o.v, o.rule = Drops, "the policy of chain "+base.name+" is drop"
			}
		}
		switch {
		case slices.ContainsFunc(o.perhaps, func(other Verdict) bool { return other != o.v }):
			v = Unsure
		case o.v == Drops:
			return Drops, o.rule
		}
	}
	return v, ""
}

// outcome is what a chain does with the packet.
type outcome struct {
	v       Verdict // "" when it reaches the end
	rule    string
	perhaps []Verdict // what it does if a rule fits of which that is not known
}

// unread stands for what cannot be judged: it is no verdict that a chain may end with.
const unread Verdict = "unread"

func (s *Ruleset) walk(c *nftChain, proto string, port, depth int) (o outcome) {
	if depth > maxDepth {
		return outcome{perhaps: []Verdict{unread}}
	}
	for _, statements := range c.rules {
		if s.looked++; s.looked > maxRules {
			o.perhaps = append(o.perhaps, unread)
			return o
		}
		fits := matches(statements, proto, port)
		if fits == no {
			continue
		}
		did, ends := s.act(c, statements, proto, port, depth)
		if fits == perhaps {
			did.perhaps = append(did.perhaps, did.v)
			if did.v == "" {
				did.perhaps = did.perhaps[:len(did.perhaps)-1]
				if ends {
					did.perhaps = append(did.perhaps, unread)
				}
			}
			o.perhaps = append(o.perhaps, did.perhaps...)
			continue
		}
		o.perhaps = append(o.perhaps, did.perhaps...)
		if did.v != "" || ends {
			o.v, o.rule = did.v, did.rule
			return o
		}
	}
	return o
}

// act does what a rule says. ends is set when nothing after it is looked at.
func (s *Ruleset) act(c *nftChain, statements []map[string]json.RawMessage, proto string, port, depth int) (o outcome, ends bool) {
	for _, st := range statements {
		for key, value := range st {
			switch key {
			case "accept":
				o.v = Passes
			case "drop", "reject":
				o.v, o.rule = Drops, "chain "+c.name+": "+ruleText(statements)+key
			case "return":
				ends = true
			case "jump", "goto":
				var to struct{ Target string }
				if json.Unmarshal(value, &to) != nil || s.chains[c.key+to.Target] == nil {
					o.perhaps = append(o.perhaps, unread)
					continue
				}
				did := s.walk(s.chains[c.key+to.Target], proto, port, depth+1)
				o.v, o.rule, o.perhaps = did.v, did.rule, append(o.perhaps, did.perhaps...)
				ends = key == "goto"
			case "xt":
				switch xtTarget(value) {
				case "", "LOG":
				case "REJECT":
					o.v, o.rule = Drops, "chain "+c.name+": "+ruleText(statements)+"reject"
				default:
					o.perhaps = append(o.perhaps, unread)
				}
			case "vmap", "queue", "fwd", "dup", "synproxy", "tproxy":
				o.perhaps = append(o.perhaps, unread)
			}
		}
	}
	return o, ends
}

// tri is whether a packet fits a rule.
type tri int

const (
	no tri = iota
	perhaps
	yes
)

// matches tells whether a rule is about the packet.
func matches(statements []map[string]json.RawMessage, proto string, port int) tri {
	result := yes
	for _, st := range statements {
		for key, value := range st {
			fits := yes
			switch key {
			case "match":
				fits = matchOf(value, proto, port)
			case "xt":
				if xtTarget(value) == "" {
					fits = perhaps
				}
			case "limit":
				fits = perhaps
			}
			result = min(result, fits)
		}
	}
	return result
}

func matchOf(raw json.RawMessage, proto string, port int) tri {
	var m struct {
		Op   string
		Left struct {
			Payload *struct{ Protocol, Field string }
			Meta    *struct{ Key string }
			CT      *struct{ Key string }
		}
		Right any
	}
	if json.Unmarshal(raw, &m) != nil {
		return perhaps
	}
	fits := perhaps
	switch l := m.Left; {
	case l.Payload != nil && l.Payload.Field == "dport":
		if p := l.Payload.Protocol; p != proto && p != "th" {
			return no // whatever the operator: the packet has no such header
		}
		fits = holds(m.Right, strconv.Itoa(port))
	case l.Payload != nil && (l.Payload.Protocol == "tcp" || l.Payload.Protocol == "udp") && l.Payload.Protocol != proto,
		l.Payload != nil && strings.HasPrefix(l.Payload.Protocol, "icmp"):
		return no
	case l.Payload != nil && (l.Payload.Field == "protocol" || l.Payload.Field == "nexthdr"),
		l.Meta != nil && l.Meta.Key == "l4proto":
		fits = holds(m.Right, proto)
	case l.Meta != nil && (l.Meta.Key == "iif" || l.Meta.Key == "iifname"):
		if holds(m.Right, "lo") == yes && !hasMore(m.Right) {
			fits = no // it comes from another machine
		}
	case l.CT != nil && l.CT.Key == "state":
		fits = holds(m.Right, "new")
	}
	switch m.Op {
	case "==", "in", "":
		return fits
	case "!=":
		return yes - fits
	}
	return perhaps
}

func hasMore(right any) bool { _, text := right.(string); return !text }

// holds tells whether a value is the one, or among those, of the right side of a match.
func holds(right any, value string) tri {
	switch r := right.(type) {
	case string:
		if r == value {
			return yes
		}
		if strings.HasPrefix(r, "@") {
			return perhaps // a named set
		}
		return no
	case float64:
		if strconv.FormatFloat(r, 'f', -1, 64) == value {
			return yes
		}
		return no
	case []any:
		result := no
		for _, e := range r {
			result = max(result, holds(e, value))
		}
		return result
	case map[string]any:
		if set, ok := r["set"]; ok {
			return holds(set, value)
		}
		if bounds, ok := r["range"].([]any); ok && len(bounds) == 2 {
			from, ok1 := bounds[0].(float64)
			to, ok2 := bounds[1].(float64)
			n, err := strconv.ParseFloat(value, 64)
			if ok1 && ok2 && err == nil {
				if from <= n && n <= to {
					return yes
				}
				return no
			}
		}
	}
	return perhaps
}

// xtTarget names the target of iptables that a statement is; "" for a match.
func xtTarget(raw json.RawMessage) string {
	var x struct{ Type, Name string }
	if json.Unmarshal(raw, &x) != nil || x.Type != "target" {
		return ""
	}
	return x.Name
}

// ruleText writes what a rule asks for, in few words.
func ruleText(statements []map[string]json.RawMessage) string {
	var b strings.Builder
	for _, st := range statements {
		var m struct {
			Op   string
			Left struct {
				Payload *struct{ Protocol, Field string }
				Meta    *struct{ Key string }
			}
			Right any
		}
		if raw, ok := st["match"]; ok && json.Unmarshal(raw, &m) == nil {
			right, err := json.Marshal(m.Right)
			switch {
			case err != nil:
			case m.Left.Payload != nil:
				fmt.Fprintf(&b, "%s %s %s ", m.Left.Payload.Protocol, m.Left.Payload.Field, right)
			case m.Left.Meta != nil:
				fmt.Fprintf(&b, "%s %s ", m.Left.Meta.Key, right)
			}
		}
	}
	return strings.ReplaceAll(b.String(), `"`, "")
}
