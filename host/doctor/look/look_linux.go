package look

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"goop/host/doctor"
)

// buffers returns the most that a socket may have, in bytes, 0 when that is not known.
func buffers() (receive, send int) {
	return number("/proc/sys/net/core/rmem_max"), number("/proc/sys/net/core/wmem_max")
}

func number(file string) int {
	text, err := os.ReadFile(file)
	if err != nil {
		return 0
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return 0
	}
	return n
}

// files returns how many files a process may have open.
func files(pid int) int64 {
	who := "self"
	if pid > 0 {
		who = strconv.Itoa(pid)
	}
	text, err := os.ReadFile("/proc/" + who + "/limits")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "Max open files"); ok {
			if f := strings.Fields(rest); len(f) > 0 {
				n, err := strconv.ParseInt(f[0], 10, 64)
				if err == nil {
					return n
				}
			}
		}
	}
	return 0
}

// firewalls asks those programs that are there. ufw and firewalld write rules of nft or iptables; they are
// asked as well, for they say it in words, and what is to be changed is changed with them.
func firewalls(ctx context.Context, port int) []doctor.Firewall {
	var list []doctor.Firewall
	if text, err := program(ctx, "ufw", "status", "verbose"); err == nil {
		list = append(list, doctor.UFW(text, port))
	} else if !errors.Is(err, errMissing) {
		list = append(list, doctor.Firewall{Name: "ufw", Blind: err.Error()})
	}
	if state, err := program(ctx, "firewall-cmd", "--state"); err == nil && strings.TrimSpace(state) == "running" {
		tcp, _ := program(ctx, "firewall-cmd", fmt.Sprintf("--query-port=%d/tcp", port)) // "no" is an error too
		udp, _ := program(ctx, "firewall-cmd", fmt.Sprintf("--query-port=%d/udp", port))
		list = append(list, doctor.Firewalld(tcp, udp, port))
	}
	spelt := false // by iptables, what nft does not tell
	for _, name := range []string{"iptables", "ip6tables"} {
		text, err := program(ctx, name, "-S")
		if errors.Is(err, errMissing) {
			continue
		}
		if err != nil {
			list = append(list, doctor.Firewall{Name: name, Blind: err.Error()})
			continue
		}
		spelt = true
		list = append(list, judged(name, doctor.ParseIPTables(text), port))
	}
	text, err := program(ctx, "nft", "-j", "list", "ruleset")
	switch {
	case errors.Is(err, errMissing):
	case err != nil:
		list = append(list, doctor.Firewall{Name: "nft", Blind: err.Error()})
	default:
		set, err := doctor.ParseNFT([]byte(text), spelt)
		if err != nil {
			list = append(list, doctor.Firewall{Name: "nft", Blind: err.Error()})
			break
		}
		list = append(list, judged("nft", set, port))
	}
	return list
}

func judged(name string, set *doctor.Ruleset, port int) doctor.Firewall {
	w := doctor.Firewall{Name: name, Active: set.Active()}
	var rules [2]string
	w.TCP, rules[0] = set.Judge("tcp", port)
	w.UDP, rules[1] = set.Judge("udp", port)
	if w.Rule = rules[0]; w.Rule == "" {
		w.Rule = rules[1]
	}
	return w
}
