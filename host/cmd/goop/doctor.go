package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"goop/host/control"
	"goop/host/doctor"
	"goop/host/doctor/look"
	"goop/host/node"
	"goop/host/terminal"
	"goop/shared/data"
	"goop/shared/record"
	"goop/shared/wire"
)

// errUnwell is what the exit code tells; the report has the rest.
var errUnwell = errors.New("visitors cannot come as they should; what the report calls BAD says why")

// probed is how many of the host's addresses are visited.
const probed = 8

func doctorCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "doctor [URL]",
		Short: "Say who will be able to visit the host, and why others will not",
		Long: "Say what visitors on this machine, in its networks and on the internet will be able to do, and why not more,\n" +
			"with what to change. The host on the data folder is asked, and visited at each of its addresses; without one the\n" +
			"machine alone is looked at. With a URL the host there is visited, from this machine, as browsers and native\n" +
			"members do.\n\n" +
			"The exit code is 0 when visitors can come, and 1 when something keeps them out, or no host runs.",
		Example: "  goop doctor\n  goop doctor http://192.168.1.5:7780/\n  goop doctor https://chess.example.org/ --group lobby --json",
	}
	dir, asJSON := dataFlag(cmd), jsonFlag(cmd)
	listen := cmd.Flags().String("listen", ":7780", "the `address` on which a host that does not run yet would listen")
	group := cmd.Flags().String("group", "", "with a URL: the `id` of a group, which is joined for a moment to measure the time until its welcome")
	cmd.PreRunE = func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) == 1 && (cmd.Flags().Changed("data") || cmd.Flags().Changed("listen")):
			return errors.New("--data and --listen are about this machine's host, and a URL about any")
		case len(args) == 0 && *group != "":
			return errors.New("--group goes with a URL")
		case len(args) == 1:
			_, err := pageURL(args[0])
			return err
		}
		_, err := portOf(*listen)
		return err
	}
	cmd.RunE = do(func(cmd *cobra.Command, args []string) error {
		var r doctor.Report
		what := "the host on the data folder " + *dir
		if len(args) == 1 {
			u, err := pageURL(args[0])
			if err != nil {
				return err
			}
			v := visit(cmd.Context(), u, wire.GroupID(*group))
			r, what = doctor.ExamineVisit(&v), v.URL
		} else {
			f, err := lookAround(cmd.Context(), *dir, *listen)
			if err != nil {
				return err
			}
			r = doctor.Examine(&f)
		}
		if err := printReport(cmd.OutOrStdout(), what, &r, *asJSON); err != nil {
			return err
		}
		if !r.Healthy() {
			return errUnwell
		}
		return nil
	})
	return cmd
}

// pageURL reads the address of a host's page, as the commands do that make the terminal a member.
func pageURL(s string) (*url.URL, error) {
	a, err := terminal.ParseAddress(s)
	if err != nil {
		return nil, err
	}
	return url.Parse(a.Origin + "/")
}

// portOf returns the port of --listen.
func portOf(listen string) (int, error) {
	_, text, err := net.SplitHostPort(listen)
	if err != nil {
		return 0, fmt.Errorf("--listen %q is not an address such as :7780", listen)
	}
	port, err := net.LookupPort("tcp", text)
	if err != nil || port == 0 {
		return 0, fmt.Errorf("--listen %q has no port between 1 and 65535", listen)
	}
	return port, nil
}

// lookAround collects the facts about this machine and the host on it.
func lookAround(ctx context.Context, dir, listen string) (doctor.Facts, error) {
	f := doctor.Facts{OS: runtime.GOOS, Data: dir}
	for _, a := range node.Addresses() {
		f.Addresses = append(f.Addresses, doctor.Address{IP: a.IP, Kind: string(a.Kind), Network: a.Network(), MTU: a.MTU, Default: a.Default})
	}
	s, err := control.NewClient(dir).Status(ctx)
	pid := 0
	if _, missing := errors.AsType[*control.NotRunningError](err); missing {
		if f.Port, err = portOf(listen); err != nil {
			return f, err
		}
		f.FreeTCP, f.FreeUDP = free(ctx, listen)
		f.DataFault = dataFault(dir)
	} else if err != nil {
		return f, err
	} else {
		f.Running, pid, f.Connections = true, s.PID, s.Limits["pages"]
		if d := s.Door; d != nil {
			f.Door = &doctor.Door{Page: d.Page, Reach: d.Reach, Fault: d.Problem, Router: d.Router, Unrouted: d.Unrouted}
		}
		for _, c := range s.Certificates {
			own := doctor.Own{Names: strings.Join(c.Names, ", "), There: c.Expires != 0, Fault: c.Problem}
			own.Left = time.Duration(c.Expires-s.Now) * time.Millisecond
			f.Certificates = append(f.Certificates, own)
		}
		f.Links = probe(ctx, s)
		if f.Door != nil && f.Door.Router != "" {
			f.Door.Forwarded = throughRouter(ctx, s)
		}
		f.Port = hostPort(slices.DeleteFunc(slices.Clone(s.Links), func(l control.Link) bool {
			return s.Door != nil && l.URL == s.Door.Page // that port is the door's
		}))
	}
	look.Machine(ctx, &f, pid)
	return f, nil
}

// hostPort returns the port of the host's own addresses; with https alone, of its name.
func hostPort(links []control.Link) int {
	links = slices.Clone(links)
	slices.SortStableFunc(links, func(a, b control.Link) int {
		return strings.Compare(outside(a), outside(b))
	})
	for _, l := range links {
		if u, err := url.Parse(l.URL); err == nil {
			if port, err := strconv.Atoi(u.Port()); err == nil {
				return port
			}
			return map[string]int{"http": 80, "https": 443}[u.Scheme]
		}
	}
	return 0
}

// outside puts addresses that are not the machine's own behind those that are.
func outside(l control.Link) string {
	if l.Kind == string(data.LinkInternet) {
		return l.Kind
	}
	return ""
}

// probe visits the host at its addresses, all at a time. A page at a door comes by other ways than HTTP.
func probe(ctx context.Context, s control.Status) []doctor.Link {
	var links []doctor.Link
	for _, l := range s.Links {
		if s.Door != nil && l.URL == s.Door.Page || len(links) == probed {
			continue
		}
		links = append(links, doctor.Link{URL: l.URL, Kind: l.Kind, Network: l.Network, Secure: l.Secure})
	}
	var wg sync.WaitGroup
	for i := range links {
		wg.Go(func() {
			l := &links[i]
			desc, took, err := fetch(ctx, l.URL)
			if l.Page = tried(took, err); err != nil {
				return
			}
			l.Other = desc.Peer != s.Peer
			desc = first(desc)
			l.WebTransport, _ = reach(ctx, desc, node.WebTransport, "")
			l.WebSocket, _ = reach(ctx, desc, node.WebSocket, "")
		})
	}
	wg.Wait()
	return links
}

// throughRouter visits the host at the address of its router, as visitors of its door do.
func throughRouter(ctx context.Context, s control.Status) doctor.Try {
	at, err := netip.ParseAddrPort(s.Door.Router)
	if err != nil {
		return tried(0, err)
	}
	err = errors.New("the host does not tell its certificates")
	for _, l := range s.Links[:min(len(s.Links), probed)] {
		desc, _, failed := fetch(ctx, l.URL)
		if failed != nil || desc.Peer != s.Peer || len(desc.WebTransport) == 0 {
			continue // it may be the door's page
		}
		desc.WebTransport = []wire.WebTransportAddr{{
			URL:        record.Addr{Kind: record.WebTransport, IP: at.Addr(), Port: at.Port()}.URL(),
			CertHashes: desc.WebTransport[0].CertHashes,
		}}
		t, _ := reach(ctx, desc, node.WebTransport, "")
		return t
	}
	return tried(0, err)
}

// free tells why the ports of an address cannot be taken; "" when they can.
func free(ctx context.Context, listen string) (tcp, udp string) {
	var c net.ListenConfig
	if l, err := c.Listen(ctx, "tcp", listen); err != nil {
		tcp = systemFault(err)
	} else {
		l.Close()
	}
	if l, err := c.ListenPacket(ctx, "udp", listen); err != nil {
		udp = systemFault(err)
	} else {
		l.Close()
	}
	return tcp, udp
}

// systemFault returns what the system said, without what was asked of it: the report says that.
func systemFault(err error) string {
	if e, ok := errors.AsType[*os.SyscallError](err); ok {
		return e.Err.Error()
	}
	return oneLine(err)
}

// dataFault tells why a data folder is of no use; one that is not there yet is made by the start.
func dataFault(dir string) string {
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return ""
	case err != nil:
		return cause(err).Error()
	case !info.IsDir():
		return "it is no folder"
	}
	f, err := os.CreateTemp(dir, ".doctor-*")
	if err != nil {
		return cause(err).Error()
	}
	return errText(errors.Join(f.Close(), os.Remove(filepath.Join(dir, filepath.Base(f.Name())))))
}

func errText(err error) string {
	if err == nil {
		return ""
	}
	return oneLine(err)
}

// printReport prints what the doctor says: who can come, and then what was found, the worst first to read at
// the end of the screen.
func printReport(out io.Writer, what string, r *doctor.Report, asJSON bool) error {
	if asJSON {
		return printJSON(out, struct {
			OK bool `json:"ok"`
			*doctor.Report
		}{r.Healthy(), r})
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "Who can visit %s?\n\n", what)
	answers := map[doctor.Level]string{doctor.OK: "yes", doctor.Note: "no", doctor.Warn: "?", doctor.Bad: "NO"}
	for _, v := range r.Visitors {
		fmt.Fprintf(w, "%s\t%s\t%s\n", v.Who, answers[v.Level], plain(v.Can))
	}
	fmt.Fprintln(w)
	if err := w.Flush(); err != nil {
		return err
	}
	var b strings.Builder
	for _, level := range []doctor.Level{doctor.OK, doctor.Note, doctor.Warn, doctor.Bad} {
		for _, f := range r.Findings {
			if f.Level != level {
				continue
			}
			label := map[doctor.Level]string{doctor.OK: "ok  ", doctor.Note: "note", doctor.Warn: "WARN", doctor.Bad: "BAD "}[level]
			fmt.Fprintf(&b, "%s  %s: %s\n", label, f.Area, plain(f.Seen))
			if f.Means != "" {
				fmt.Fprintf(&b, "      %s\n", plain(f.Means))
			}
			if f.Do != "" {
				fmt.Fprintf(&b, "      -> %s\n", plain(f.Do))
			}
		}
	}
	_, err := io.WriteString(out, b.String())
	return err
}
