package main

import (
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"goop/host/control"
	"goop/shared/wire"
)

func groupCommand() *cobra.Command {
	return parent(&cobra.Command{
		Use:   "group",
		Short: "See and manage the groups of the running host",
	},
		groupListCommand(), groupShowCommand(), groupTailCommand(), groupCloseCommand(),
		groupInviteCommand(), groupRevokeCommand(), groupRoleCommand(),
		sendAwayCommand(control.Kick), sendAwayCommand(control.Ban), groupUnbanCommand())
}

func groupListCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List all groups",
	}
	dir, asJSON := dataFlag(cmd), jsonFlag(cmd)
	cmd.RunE = do(func(cmd *cobra.Command, _ []string) error {
		list, err := control.NewClient(*dir).Groups(cmd.Context())
		if err != nil {
			return err
		}
		if *asJSON {
			return printJSON(cmd.OutOrStdout(), list)
		}
		return printGroups(cmd.OutOrStdout(), list)
	})
	return cmd
}

func printGroups(out io.Writer, list []control.Group) error {
	if len(list) == 0 {
		_, err := fmt.Fprintln(out, "there are no groups yet; an owner makes them in the site, or goop.json does")
		return err
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ID\tNAME\tTYPE\tACCESS\tMEMBERS\tSEQ\tCREATED")
	for _, g := range list {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%d\t%s\n", g.ID, plain(g.Name), g.Type, g.Access, members(&g), g.Seq, when(g.Created))
	}
	return w.Flush()
}

// members writes how many are in a group, and of how many when it is bounded.
func members(g *control.Group) string {
	if g.MaxMembers > 0 {
		return fmt.Sprintf("%d of %d", g.Members, g.MaxMembers)
	}
	return fmt.Sprint(g.Members)
}

func groupShowCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "show ID",
		Short: "Tell all about a group: what it is, who is in it, what it takes up",
	}
	dir, asJSON := dataFlag(cmd), jsonFlag(cmd)
	cmd.RunE = do(func(cmd *cobra.Command, args []string) error {
		g, err := control.NewClient(*dir).Group(cmd.Context(), wire.GroupID(args[0]))
		if err != nil {
			return err
		}
		if *asJSON {
			return printJSON(cmd.OutOrStdout(), g)
		}
		return printGroup(cmd.OutOrStdout(), &g)
	})
	return cmd
}

func printGroup(out io.Writer, g *control.GroupDetail) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	kept := "in memory"
	if g.Durable {
		kept = "on disk"
	}
	fmt.Fprintf(w, "id\t%s\n", g.ID)
	fmt.Fprintf(w, "name\t%s\n", plain(g.Name))
	fmt.Fprintf(w, "type\t%s, access %s, kept %s\n", g.Type, g.Access, kept)
	if g.Creator != "" {
		fmt.Fprintf(w, "created\t%s by %s\n", when(g.Created), g.Creator)
	} else {
		fmt.Fprintf(w, "created\t%s\n", when(g.Created))
	}
	fmt.Fprintf(w, "members\t%s, with %s\n", members(&g.Group), count(g.Sessions, "session"))
	fmt.Fprintf(w, "log\tat %d, epoch %s\n", g.Seq, g.Epoch)
	fmt.Fprintf(w, "memory\t%s, of which its state has %s\n", bytesText(g.Bytes), bytesText(g.StateSize))
	fmt.Fprintf(w, "waiting\t%s, for members to take them\n", bytesText(g.Waiting))
	fmt.Fprintf(w, "config\t%s\n", plain(string(g.Config)))
	if err := w.Flush(); err != nil {
		return err
	}
	if len(g.Roster) > 0 {
		fmt.Fprintln(w, "\nMEMBER\tLABEL\tROLE\tSESSIONS\tJOINED")
		for _, m := range g.Roster {
			fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%s\n", m.Peer, orNone(plain(m.Label)), m.Role, m.Sessions, when(m.Joined))
		}
		if err := w.Flush(); err != nil {
			return err
		}
	}
	return printPeople(w, g)
}

func groupCloseCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "close ID",
		Short: "End a group for everybody, and forget it",
		Long: "End a group for everybody: its members are told, and its log and state are forgotten. The rows that it has\n" +
			"recorded into a table stay. A group of goop.json is made anew at the next start.",
	}
	dir := dataFlag(cmd)
	cmd.RunE = do(func(cmd *cobra.Command, args []string) error {
		if err := control.NewClient(*dir).CloseGroup(cmd.Context(), wire.GroupID(args[0])); err != nil {
			return err
		}
		_, err := fmt.Fprintln(cmd.OutOrStdout(), "the group", args[0], "is closed")
		return err
	})
	return cmd
}
