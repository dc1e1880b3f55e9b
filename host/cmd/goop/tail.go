package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"goop/host/control"
	"goop/shared/wire"
)

func groupTailCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "tail ID",
		Short: "Print the last messages of a group, and with -f those to come",
		Long: "Print the last entries of a group's log: messages, and changes of its state. With -f those to come follow,\n" +
			"until Ctrl-C. Of direct messages there is no more than that they were sent. With --json each entry is a line.",
		Example: "  goop group tail lobby -n 100\n  goop group tail lobby -f --json",
	}
	dir, asJSON := dataFlag(cmd), jsonFlag(cmd)
	n := cmd.Flags().IntP("lines", "n", 20, "the `number` of entries, at most 10,000")
	follow := cmd.Flags().BoolP("follow", "f", false, "go on with those to come")
	cmd.PreRunE = func(*cobra.Command, []string) error {
		if *n < 0 || *n > control.MaxTail {
			return fmt.Errorf("-n is 0 to %d", control.MaxTail)
		}
		return nil
	}
	cmd.RunE = do(func(cmd *cobra.Command, args []string) error {
		client, id, out := control.NewClient(*dir), wire.GroupID(args[0]), cmd.OutOrStdout()
		show := func(e control.Entry) error { return json.NewEncoder(out).Encode(e) }
		if !*asJSON {
			names, err := labels(cmd.Context(), client, id)
			if err != nil {
				return err
			}
			show = func(e control.Entry) error { return printEntry(out, &e, names) }
		}
		return client.TailGroup(cmd.Context(), id, *n, *follow, show)
	})
	return cmd
}

// labels returns what those who are in a group call themselves.
func labels(ctx context.Context, client *control.Client, id wire.GroupID) (map[wire.PeerID]string, error) {
	g, err := client.Group(ctx, id)
	names := map[wire.PeerID]string{}
	for _, m := range g.Roster {
		names[m.Peer] = plain(m.Label)
	}
	return names, err
}

// printEntry prints an entry on one line.
func printEntry(out io.Writer, e *control.Entry, names map[wire.PeerID]string) error {
	name := func(p wire.PeerID) string {
		if names[p] == "" {
			return short(p)
		}
		return names[p] + " " + short(p) // for anybody may take any label
	}
	if e.Missing > 0 {
		if _, err := fmt.Fprintf(out, "(%s before this one are not kept any more)\n", count(int(e.Missing), "message")); err != nil {
			return err
		}
	}
	who, text := name(e.From), plain(string(e.Payload))
	switch {
	case e.To != "":
		who, text = who+" to "+name(e.To), "(direct)"
	case e.Type == wire.TypeState:
		text = "state " + plain(string(e.Patch))
	case e.Redact != 0:
		text = fmt.Sprintf("(took away #%d)", e.Redact)
	case e.Redacted:
		text = "(taken away)"
	}
	_, err := fmt.Fprintf(out, "%s  #%d  %s  %s\n", time.UnixMilli(e.Time).Format(momentFormat), e.Seq, who, text)
	return err
}
