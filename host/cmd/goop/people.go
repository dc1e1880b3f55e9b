package main

import (
	"fmt"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"goop/host/control"
	"goop/shared/group"
	"goop/shared/wire"
)

func groupInviteCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "invite ID",
		Short: "Make a link that lets people into a group",
		Long: "Make a link that lets people into a group, and print it for each address of the host, the one to hand out\n" +
			"first; they are the same invite. Whoever opens one is in, so send it as you would send a password. With --peer\n" +
			"a peer whose id you know is in without a link.",
		Example: "  goop group invite study\n  goop group invite study --uses 30 --expires 24h --role viewer",
	}
	dir, asJSON := dataFlag(cmd), jsonFlag(cmd)
	uses := cmd.Flags().Int("uses", 1, "the `number` of peers that it lets in")
	expires := cmd.Flags().String("expires", "7d", "the `time` for which it is good, such as 90m, 24h or 30d; at most 366d")
	role := cmd.Flags().String("role", "member", "what they are in the group: moderator, member or viewer")
	peer := cmd.Flags().String("peer", "", "the `id` of a peer that is let in without a link")
	asQR := cmd.Flags().Bool("qr", false, "print the first link as a QR code too")
	var age time.Duration
	cmd.PreRunE = func(cmd *cobra.Command, _ []string) (err error) {
		if *uses < 1 {
			return fmt.Errorf("--uses is 1 or more")
		}
		if *peer != "" && (cmd.Flags().Changed("uses") || cmd.Flags().Changed("expires")) {
			return fmt.Errorf("--peer lets one in without a link: --uses and --expires do not go with it")
		}
		if age, err = parseAge(*expires); err != nil {
			return fmt.Errorf("--expires: %w", err)
		}
		if age.Milliseconds() > group.MaxInviteAge {
			return fmt.Errorf("--expires is at most %dd", time.Duration(group.MaxInviteAge)*time.Millisecond/(24*time.Hour))
		}
		return checkRole(*role)
	}
	cmd.RunE = do(func(cmd *cobra.Command, args []string) error {
		q := control.InviteRequest{Role: wire.Role(*role), Peer: *peer}
		if *peer == "" {
			q.Uses, q.Expires = *uses, time.Now().Add(age).UnixMilli()
		}
		inv, err := control.NewClient(*dir).Invite(cmd.Context(), wire.GroupID(args[0]), q)
		switch {
		case err != nil:
			return err
		case *asJSON:
			return printJSON(cmd.OutOrStdout(), inv)
		case inv.Peer != "":
			_, err := fmt.Fprintln(cmd.OutOrStdout(), inv.Peer, "may join the group", args[0], "as", inv.Role)
			return err
		}
		return printLinks(cmd.OutOrStdout(), inv.URLs, *asQR)
	})
	return cmd
}

func groupRevokeCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "revoke ID INVITE",
		Short: "Take an invite back; who came in by it stays",
		Long: "Take an invite back. It is named by its id, which goop group show has, or by its token, which is what stands\n" +
			"at the end of its link. Who came in by it stays.",
	}
	dir := dataFlag(cmd)
	cmd.RunE = do(func(cmd *cobra.Command, args []string) error {
		if err := control.NewClient(*dir).Revoke(cmd.Context(), wire.GroupID(args[0]), args[1]); err != nil {
			return err
		}
		_, err := fmt.Fprintln(cmd.OutOrStdout(), "the invite is revoked")
		return err
	})
	return cmd
}

// sendAwayCommand is goop group kick or goop group ban.
func sendAwayCommand(action control.PeerAction) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "kick ID PEER",
		Short: "Send a peer out of a group; it may come back when the group is open",
		Long: "Send a peer out of a group, with all its pages. Into an open group it may come back; into one by invite it has\n" +
			"to be invited anew. PEER is its id, or the beginning or end of it, as goop group show and tail print it.",
	}
	done := "was sent out of"
	if action == control.Ban {
		cmd.Use, cmd.Short = "ban ID PEER", "Send a peer out of a group for good"
		cmd.Long = "Send a peer out of a group, with all its pages, so that it cannot come back until goop group unban. It need not\n" +
			"be there. PEER is its id, or the beginning or end of it, as goop group show and tail print it. A browser that\n" +
			"forgets its data is another peer: where that matters, make the group one by invite."
		done = "is banned from"
	}
	dir := dataFlag(cmd)
	message := cmd.Flags().String("message", "", "what it is told, a `text`")
	cmd.RunE = do(func(cmd *cobra.Command, args []string) error {
		q := control.PeerRequest{Peer: args[1], Message: *message}
		return onPeer(cmd, *dir, args[0], action, q, done+" the group "+args[0])
	})
	return cmd
}

func groupUnbanCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "unban ID PEER",
		Short: "Let a banned peer come back as anybody else",
	}
	dir := dataFlag(cmd)
	cmd.RunE = do(func(cmd *cobra.Command, args []string) error {
		return onPeer(cmd, *dir, args[0], control.Unban, control.PeerRequest{Peer: args[1]}, "is not banned any more from the group "+args[0])
	})
	return cmd
}

func groupRoleCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "role ID PEER ROLE",
		Short:   "Give a peer another role in a group: moderator, member or viewer",
		Example: "  goop group role study …mzz3ij5c moderator",
		PreRunE: func(_ *cobra.Command, args []string) error { return checkRole(args[2]) },
	}
	dir := dataFlag(cmd)
	cmd.RunE = do(func(cmd *cobra.Command, args []string) error {
		q := control.PeerRequest{Peer: args[1], Role: wire.Role(args[2])}
		return onPeer(cmd, *dir, args[0], control.SetRole, q, "is "+args[2]+" in the group "+args[0]+" now")
	})
	return cmd
}

// onPeer has something done to a peer, and says so.
func onPeer(cmd *cobra.Command, dir, id string, action control.PeerAction, q control.PeerRequest, done string) error {
	peer, err := control.NewClient(dir).ActOnPeer(cmd.Context(), wire.GroupID(id), action, q)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(cmd.OutOrStdout(), peer, done)
	return err
}

// checkRole checks a role that somebody is to be given.
func checkRole(role string) error {
	switch wire.Role(role) {
	case wire.RoleModerator, wire.RoleMember, wire.RoleViewer:
		return nil
	}
	return fmt.Errorf("the role %q is not moderator, member or viewer", role)
}

// parseAge reads for how long something is good.
func parseAge(text string) (time.Duration, error) {
	const day = 24 * time.Hour
	if days, ok := strings.CutSuffix(text, "d"); ok {
		n, err := strconv.ParseUint(days, 10, 16)
		if err != nil || n == 0 {
			return 0, fmt.Errorf("%q is not a time such as 90m, 24h or 30d", text)
		}
		return time.Duration(n) * day, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		return 0, fmt.Errorf("%q is not a time such as 90m, 24h or 30d", text)
	}
	return d, nil
}

// printPeople prints what a group remembers of peers, and its invites.
func printPeople(w *tabwriter.Writer, g *control.GroupDetail) error {
	if len(g.Standings) > 0 {
		fmt.Fprintln(w, "\nREMEMBERED\tAS\tBY\tSINCE")
		for _, s := range g.Standings {
			as := string(s.Role)
			if s.Banned {
				as = "banned"
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", s.Peer, as, by(s.By), when(s.Since))
		}
		if err := w.Flush(); err != nil {
			return err
		}
	}
	if len(g.Invites) > 0 {
		fmt.Fprintln(w, "\nINVITE\tROLE\tUSED\tUNTIL\tBY")
		for _, i := range g.Invites {
			fmt.Fprintf(w, "%s\t%s\t%d of %d\t%s\t%s\n", i.ID, i.Role, i.Used, i.Uses, when(i.Expires), by(i.By))
		}
	}
	return w.Flush()
}

// by names who did something.
func by(peer wire.PeerID) string {
	if peer == "" {
		return "the operator"
	}
	return short(peer)
}
