package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"goop/host/terminal"
	"goop/shared/wire"
)

// formFlags add --json and --text, which say what a message is.
func formFlags(cmd *cobra.Command) func() (terminal.Form, error) {
	asJSON := cmd.Flags().Bool("json", false, "each message is JSON, and anything else is refused")
	asText := cmd.Flags().Bool("text", false, "each message is text, also where it looks like JSON")
	return func() (terminal.Form, error) {
		switch {
		case *asJSON && *asText:
			return 0, errors.New("a message cannot be both: take --json or --text")
		case *asJSON:
			return terminal.JSON, nil
		case *asText:
			return terminal.Text, nil
		}
		return terminal.Either, nil
	}
}

func joinCommand() *cobra.Command {
	var m memberFlags
	cmd := &cobra.Command{
		Use:   "join URL [GROUP]",
		Short: "Be a member of a group: lines in are messages, JSON lines out are what happens",
		Long: "Be a member of a group of any host. Each line of the input is a message: the JSON value that it is, or else the\n" +
			"text. What happens in the group is printed, one JSON object a line: its type is welcome, msg, state, members, gap,\n" +
			"status, error or close (docs/terminal.md). At the end of the input, and with Ctrl-C, the group is left.\n\n" +
			"URL is the address of any page of the host, or an invite link, which names the group too.",
		Example: "  goop join http://192.168.1.5:7780/ lobby --label Bot\n" +
			"  goop join --stay https://chess.example.org/ lobby </dev/null | jq -c 'select(.type==\"msg\") | .payload'",
	}
	m.addGroup(cmd)
	form := formFlags(cmd)
	var o terminal.JoinOptions
	cmd.Flags().BoolVar(&o.Stay, "stay", false, "stay when the input ends, until Ctrl-C")
	var a terminal.Address
	cmd.PreRunE = func(_ *cobra.Command, args []string) (err error) {
		if a, err = terminal.ParseAddress(args[0]); err != nil {
			return err
		}
		if o.Group, _, err = m.group(a, args[1:]); err != nil {
			return err
		}
		if o.Form, err = form(); err != nil {
			return err
		}
		return m.check()
	}
	cmd.RunE = do(func(cmd *cobra.Command, _ []string) error {
		o.In = cmd.InOrStdin()
		if interactive(o.In) {
			o.Joined = func(w *wire.Welcome) {
				cmd.PrintErrf("you are in %s as %s (%s); a line is a message, Ctrl-D ends\n", o.Group.ID, w.You.Peer, w.You.Role)
			}
		}
		return m.connect(cmd, a, true, func(ctx context.Context, t *terminal.Terminal) error { return t.Join(ctx, o) })
	})
	return cmd
}

// interactive reports whether somebody types.
func interactive(in io.Reader) bool {
	f, ok := in.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	if err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return false
	}
	null, err := os.Stat(os.DevNull) // a device of letters too
	return err != nil || !os.SameFile(info, null)
}

func sendCommand() *cobra.Command {
	var m memberFlags
	cmd := &cobra.Command{
		Use:   "send URL [GROUP] [MESSAGE...]",
		Short: "Send messages to a group, and wait until the host has them",
		Long: "Send messages to a group of any host, or the lines of the input when there are none, and print for each its seq\n" +
			"and time, as JSON, once the host has acknowledged it: in a durable group it is on the host's disk then. A message is\n" +
			"the JSON value that it is, or else the text. An invite link names the group, which is left out then.",
		Example: "  goop send http://192.168.1.5:7780/ lobby 'The train is late'\n" +
			"  sensors | goop send --json https://lab.example.org/ readings",
	}
	m.addGroup(cmd)
	form := formFlags(cmd)
	var o terminal.SendOptions
	var a terminal.Address
	cmd.PreRunE = func(_ *cobra.Command, args []string) (err error) {
		if a, err = terminal.ParseAddress(args[0]); err != nil {
			return err
		}
		if a.Group != "" {
			o.Messages = args[1:]
			o.Group, _, err = m.group(a, nil)
		} else {
			o.Group, o.Messages, err = m.group(a, args[1:])
		}
		if err != nil {
			return err
		}
		if o.Form, err = form(); err != nil {
			return err
		}
		if slices.Contains(o.Messages, "") {
			return errors.New("a message is empty")
		}
		return m.check()
	}
	cmd.RunE = do(func(cmd *cobra.Command, _ []string) error {
		o.In = cmd.InOrStdin()
		if len(o.Messages) == 0 && interactive(o.In) {
			cmd.PrintErrln("each line is a message, Ctrl-D ends")
		}
		return m.connect(cmd, a, false, func(ctx context.Context, t *terminal.Terminal) error { return t.Send(ctx, o) })
	})
	return cmd
}

// rowsFlags add those that say which rows are meant.
func rowsFlags(cmd *cobra.Command, rows *terminal.Rows, limit string) (where *string) {
	f := cmd.Flags()
	where = f.String("where", "", "a condition as `JSON`, as in Goop.data; those behind the table hold as well")
	f.StringSliceVar(&rows.Order, "order", nil, "`columns` to order by, - in front of one for the other way round")
	f.StringSliceVar(&rows.Columns, "columns", nil, "the `columns` to print; all without it")
	f.IntVar(&rows.Limit, "limit", 0, limit)
	return where
}

func queryCommand() *cobra.Command {
	return rowsCommand(&cobra.Command{
		Use:   "query URL TABLE [CONDITION...]",
		Short: "Print the rows of a table of the site, one JSON object a line",
		Long: "Print the rows of a table of any host that this member may read, one JSON object a line. A condition is a column,\n" +
			"one of = != < <= > >=, and a value, which is JSON or else text; all must hold. The tables _groups, _invites and _peers\n" +
			"are the groups and their people.",
		Example: "  goop query https://chess.example.org/ moves game=chess-42 'ply>10' --order -ply --limit 5\n" +
			"  goop query localhost:7780 _groups --columns id,name,members",
	}, "the `number` of rows; all without it", false, (*terminal.Terminal).Query)
}

func watchCommand() *cobra.Command {
	return rowsCommand(&cobra.Command{
		Use:   "watch URL TABLE [CONDITION...]",
		Short: "Print the rows of a table and each change of them, as JSON lines, until Ctrl-C",
		Long: "Print the rows of a table of any host that this member may read, all in one JSON object of type rows, and then an\n" +
			"object of type change after each change of them (docs/terminal.md), until Ctrl-C. Conditions are as those of goop query.",
		Example: "  goop watch http://192.168.1.5:7780/ answers question=7 | jq -c '.rows[]?, .added[]?'",
	}, "the `number` of rows, at most 1,000, which it is without it", true, (*terminal.Terminal).Watch)
}

func rowsCommand(cmd *cobra.Command, limit string, status bool, run func(*terminal.Terminal, context.Context, terminal.Rows) error) *cobra.Command {
	var m memberFlags
	var rows terminal.Rows
	m.add(cmd)
	where := rowsFlags(cmd, &rows, limit)
	var a terminal.Address
	cmd.PreRunE = func(_ *cobra.Command, args []string) (err error) {
		if a, err = terminal.ParseAddress(args[0]); err != nil {
			return err
		}
		if rows.Limit < 0 {
			return fmt.Errorf("--limit is 0 or more")
		}
		rows.Table = args[1]
		if rows.Where, err = terminal.Where(*where, args[2:]); err != nil {
			return err
		}
		return m.check()
	}
	cmd.RunE = do(func(cmd *cobra.Command, _ []string) error {
		return m.connect(cmd, a, status, func(ctx context.Context, t *terminal.Terminal) error { return run(t, ctx, rows) })
	})
	return cmd
}
