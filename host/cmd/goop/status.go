package main

import (
	"fmt"
	"io"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"goop/host/control"
)

func statusCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Tell how the running host is",
	}
	dir, asJSON := dataFlag(cmd), jsonFlag(cmd)
	cmd.RunE = do(func(cmd *cobra.Command, _ []string) error {
		s, err := control.NewClient(*dir).Status(cmd.Context())
		if err != nil {
			return err
		}
		if *asJSON {
			return printJSON(cmd.OutOrStdout(), s)
		}
		return printStatus(cmd.OutOrStdout(), s)
	})
	return cmd
}

func printStatus(out io.Writer, s control.Status) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "name\t%s\n", s.Name)
	for i, u := range s.URLs {
		label := "page"
		if i > 0 {
			label = ""
		}
		fmt.Fprintf(w, "%s\t%s\n", label, u)
	}
	fmt.Fprintf(w, "site\t%s\n", s.Site)
	if s.Metrics != "" {
		fmt.Fprintf(w, "metrics\t%s\n", s.Metrics)
	}
	for _, c := range s.Certificates {
		fmt.Fprintf(w, "certificate\t%s\n", certificateLine(c))
	}
	if d := s.Door; d != nil {
		fmt.Fprintf(w, "door\t%s\n\t%s\n", d.Page, atDoor(d, s.Now))
	}
	if b := s.Backup; b != nil {
		fmt.Fprintf(w, "backups\t%s\n", backups(b))
	}
	fmt.Fprintf(w, "peer\t%s\n", s.Peer)
	fmt.Fprintf(w, "running\tfor %s, since %s, pid %d, version %s\n", elapsed(s.Now-s.Started), when(s.Started), s.PID, s.Version)
	fmt.Fprintf(w, "now\t%s connected, %s, %s\n", count(s.Peers, "member"), count(s.Groups, "group"), count(s.Owners, "owner"))
	fmt.Fprintf(w, "\t%s, %s in groups, %s a second\n", count(s.Connections, "connection"), count(s.Sessions, "session"), rate(s.Rate))
	return w.Flush()
}

// backups tells how the scheduled backups go.
func backups(b *control.Schedule) string {
	text := fmt.Sprintf("every %s into %s, the last %d are kept; ", elapsed(b.Every), b.Dir, b.Keep)
	switch {
	case b.Failed != "":
		text += "THE LAST ONE COULD NOT BE MADE: " + b.Failed
	case b.Last == 0:
		text += "none yet"
	default:
		text += "the newest is of " + when(b.Last)
	}
	return text
}

// rate writes messages a second.
func rate(v float64) string {
	if v == 1 {
		return "1 message"
	}
	return strconv.FormatFloat(v, 'f', -1, 64) + " messages"
}

// count puts a number before a noun.
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// elapsed writes a number of milliseconds in the two units that matter.
func elapsed(ms int64) string {
	d := max(0, time.Duration(ms)*time.Millisecond)
	for _, u := range []struct {
		size       time.Duration
		name, rest string
		unit       time.Duration
	}{
		{24 * time.Hour, "d", "h", time.Hour},
		{time.Hour, "h", "min", time.Minute},
		{time.Minute, "min", "s", time.Second},
	} {
		if rest := d % u.size / u.unit; d >= u.size && rest == 0 {
			return fmt.Sprintf("%d %s", d/u.size, u.name)
		} else if d >= u.size {
			return fmt.Sprintf("%d %s %d %s", d/u.size, u.name, rest, u.rest)
		}
	}
	return fmt.Sprintf("%d s", d/time.Second)
}
