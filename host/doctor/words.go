package doctor

import (
	"fmt"
	"strconv"
	"strings"
)

// UFW judges by what "ufw status verbose" prints.
func UFW(text string, port int) Firewall {
	w := Firewall{Name: "ufw", TCP: Unsure, UDP: Unsure, Allow: fmt.Sprintf("ufw allow %d", port)}
	if !strings.Contains(text, "Status: active") {
		return w
	}
	w.Active = true
	rest := Unsure
	for line := range strings.Lines(text) {
		if d, ok := strings.CutPrefix(line, "Default: "); ok {
			switch first, _, _ := strings.Cut(d, " "); first {
			case "deny", "reject":
				rest = Drops
			case "allow":
				rest = Passes
			}
		}
	}
	w.TCP, w.UDP = ufwPort(text, "tcp", port, rest), ufwPort(text, "udp", port, rest)
	if (w.TCP == Drops || w.UDP == Drops) && rest == Drops {
		w.Rule = "no rule allows it, and the default is to deny"
	}
	return w
}

// ufwPort looks for the first rule about a port. One that names more than a port, such as where from, is not
// judged.
func ufwPort(text, proto string, port int, rest Verdict) Verdict {
	for line := range strings.Lines(text) {
		f := strings.Fields(strings.ReplaceAll(line, " (v6)", ""))
		if len(f) < 3 {
			continue
		}
		ports, p, named := strings.Cut(f[0], "/")
		if named && p != proto || !covers(ports, port) {
			continue
		}
		plain := f[len(f)-1] == "Anywhere"
		switch {
		case f[1] == "ALLOW" && plain:
			return Passes
		case (f[1] == "DENY" || f[1] == "REJECT") && plain:
			return Drops
		case f[1] == "ALLOW" || f[1] == "DENY" || f[1] == "REJECT" || f[1] == "LIMIT":
			return Unsure
		}
	}
	return rest
}

// covers reports whether a list such as "80,443" or "7000:8000" has a port.
func covers(list string, port int) bool {
	for part := range strings.SplitSeq(list, ",") {
		from, to, isRange := strings.Cut(part, ":")
		if !isRange {
			to = from
		}
		a, err1 := strconv.Atoi(from)
		b, err2 := strconv.Atoi(to)
		if err1 == nil && err2 == nil && a <= port && port <= b {
			return true
		}
	}
	return false
}

// Firewalld judges by the answers of "firewall-cmd --query-port", which are "yes" and "no", for the default zone.
func Firewalld(tcp, udp string, port int) Firewall {
	w := Firewall{Name: "firewalld", Active: true, Allow: fmt.Sprintf("firewall-cmd --permanent --add-port=%d/tcp --add-port=%d/udp && firewall-cmd --reload", port, port)}
	judge := func(answer string) Verdict {
		switch strings.TrimSpace(answer) {
		case "yes":
			return Passes
		case "no":
			return Drops
		}
		return Unsure
	}
	w.TCP, w.UDP = judge(tcp), judge(udp)
	if w.TCP == Drops || w.UDP == Drops {
		w.Rule = "the default zone does not have the port"
	}
	return w
}
