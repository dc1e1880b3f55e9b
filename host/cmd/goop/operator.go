package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"goop/host/control"
	"goop/shared/wire"
)

// timeFormat is how moments are shown, in the operator's time zone.
const timeFormat = "2006-01-02 15:04"

// momentFormat is the same where several may be within a minute.
const momentFormat = "2006-01-02 15:04:05"

func when(ms int64) string { return time.UnixMilli(ms).Format(timeFormat) }

func ownerLinkCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "owner-link",
		Short: "Make a link that turns a browser into an owner of the running host",
		Long: "Make a link that turns the browser that opens it into an owner of the running host. It works for\n" +
			"one browser and for 24 hours. One is printed for each address of the host, since a browser is somebody\n" +
			"else at each: open the one of the address that you will use.",
	}
	dir := dataFlag(cmd)
	asQR := cmd.Flags().Bool("qr", false, "print the one for another device as a QR code too; whoever takes a picture of it can own the host")
	cmd.RunE = do(func(cmd *cobra.Command, _ []string) error {
		link, err := control.NewClient(*dir).OwnerLink(cmd.Context())
		if err != nil {
			return err
		}
		return printLinks(cmd.OutOrStdout(), link.URLs, *asQR)
	})
	return cmd
}

// printLinks prints links, one a line, and if wanted the best one for another device as a QR code.
func printLinks(out io.Writer, urls []string, asQR bool) error {
	if _, err := fmt.Fprintln(out, strings.Join(urls, "\n")); err != nil || !asQR {
		return err
	}
	best := toHandOut(urls)
	page, _, _ := strings.Cut(best, "#")
	fmt.Fprintln(out)
	return printQR(out, qrAlways, best, "the link of "+page)
}

func ownersCommand() *cobra.Command {
	list := &cobra.Command{
		Use:   "list",
		Short: "List the owners",
	}
	listDir, asJSON := dataFlag(list), jsonFlag(list)
	list.RunE = do(func(cmd *cobra.Command, _ []string) error {
		owners, err := control.NewClient(*listDir).Owners(cmd.Context())
		if err != nil {
			return err
		}
		if *asJSON {
			return printJSON(cmd.OutOrStdout(), owners)
		}
		return printOwners(cmd.OutOrStdout(), owners)
	})
	remove := &cobra.Command{
		Use:   "remove PEER",
		Short: "Take the site from an owner, who becomes a visitor",
	}
	removeDir := dataFlag(remove)
	remove.RunE = do(func(cmd *cobra.Command, args []string) error {
		err := control.NewClient(*removeDir).RemoveOwner(cmd.Context(), wire.PeerID(args[0]))
		if err != nil {
			return err
		}
		fmt.Fprintln(cmd.OutOrStdout(), args[0], "is a visitor now")
		return nil
	})
	return parent(&cobra.Command{
		Use:   "owners",
		Short: "List or remove the owners of the running host",
	}, list, remove)
}

func printOwners(out io.Writer, owners []control.Owner) error {
	if len(owners) == 0 {
		_, err := fmt.Fprintln(out, "nobody owns this host yet; goop owner-link makes a link for that")
		return err
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "PEER\tSINCE")
	for _, o := range owners {
		fmt.Fprintf(w, "%s\t%s\n", o.Peer, when(o.Since))
	}
	return w.Flush()
}
