package doctor

import (
	"encoding/json"
	"strconv"
	"strings"
)

// ParseIPTables reads what "iptables -S" prints: the chains of the table filter. What it does not know in a rule
// makes the rule one that may fit or not.
func ParseIPTables(text string) *Ruleset {
	set := &Ruleset{chains: map[string]*nftChain{}}
	chain := func(name string) *nftChain {
		c := set.chains[name]
		if c == nil {
			c = &nftChain{name: name}
			set.chains[name] = c
		}
		return c
	}
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		switch {
		case len(f) >= 3 && f[0] == "-P":
			c := chain(f[1])
			if c.policy = strings.ToLower(f[2]); f[1] == "INPUT" {
				set.bases = append(set.bases, c)
			}
		case len(f) == 2 && f[0] == "-N":
			chain(f[1])
		case len(f) >= 2 && f[0] == "-A":
			c := chain(f[1])
			c.rules = append(c.rules, iptablesRule(f[2:]))
		}
	}
	return set
}

// iptablesRule writes a rule as nft does.
func iptablesRule(args []string) []map[string]json.RawMessage {
	var statements []map[string]json.RawMessage
	add := func(key string, value any) {
		raw, err := json.Marshal(value)
		if err != nil {
			panic(err) // maps and strings
		}
		statements = append(statements, map[string]json.RawMessage{key: raw})
	}
	match := func(left, right any) { add("match", map[string]any{"op": "==", "left": left, "right": right}) }
	unknown := func() { add("xt", map[string]string{"type": "match"}) }
	proto := "th"
	for i := 0; i < len(args); i++ {
		value := ""
		if i+1 < len(args) {
			value = args[i+1]
		}
		switch args[i] {
		case "-p":
			proto = value
			match(map[string]any{"meta": map[string]string{"key": "l4proto"}}, value)
		case "-i":
			match(map[string]any{"meta": map[string]string{"key": "iifname"}}, value)
		case "--dport", "--dports":
			match(map[string]any{"payload": map[string]string{"protocol": proto, "field": "dport"}}, portsOf(value))
		case "--state", "--ctstate":
			match(map[string]any{"ct": map[string]string{"key": "state"}}, strings.Split(strings.ToLower(value), ","))
		case "-m": // what it matches follows
		case "--comment", "--reject-with", "--log-prefix", "--log-level":
		case "-j", "-g":
			switch value {
			case "ACCEPT", "DROP", "REJECT", "RETURN":
				add(strings.ToLower(value), nil)
			case "LOG", "NFLOG":
			default:
				add(map[string]string{"-j": "jump", "-g": "goto"}[args[i]], map[string]string{"target": value})
			}
		default:
			unknown()
			continue
		}
		i++
	}
	return statements
}

// portsOf writes "80,7000:8000" as nft does.
func portsOf(list string) any {
	var ports []any
	for part := range strings.SplitSeq(list, ",") {
		if from, to, ok := strings.Cut(part, ":"); ok {
			ports = append(ports, map[string]any{"range": []any{number(from), number(to)}})
		} else {
			ports = append(ports, number(part))
		}
	}
	return ports
}

// number writes a port; what is none, such as the name of a service, is like a set that nobody knows.
func number(s string) any {
	n, err := strconv.ParseUint(s, 10, 16)
	if err != nil {
		return "@" + s
	}
	return n
}
