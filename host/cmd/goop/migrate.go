package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"goop/host/store"
	"goop/host/templates"
	"goop/shared/data"
)

func migrateCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "migrate [SITE-DIR | " + strings.Join(templates.Names(), " | ") + "]",
		Short: "Show what a changed goop.json does to the stored rows, and do it",
		Long: "Compare the tables of a site's goop.json with what is stored, and show what is new and what would be lost.\n" +
			"A start does by itself what loses nothing. What does lose something is done here, with --apply: after a\n" +
			"backup, all of it or nothing. Values of a column that has another type now are converted where each has an\n" +
			"exact counterpart. End the host first.",
		Example: "  goop migrate my-site\n  goop migrate my-site --apply",
	}
	dir := dataFlag(cmd)
	apply := cmd.Flags().Bool("apply", false, "do it, after a backup")
	backups := cmd.Flags().String("backup-dir", "", "the `folder` for that backup; without it the folder "+store.BackupFolderName+" in the data folder")
	cmd.RunE = do(func(cmd *cobra.Command, args []string) error {
		site := ""
		if len(args) > 0 {
			site = args[0]
		}
		f, err := openFolder(site)
		if err != nil {
			return err
		}
		if err := f.close(); err != nil {
			return err
		}
		plan, err := store.Migrate(cmd.Context(), *dir, cmp.Or(*backups, filepath.Join(*dir, store.BackupFolderName)), f.site, f.text, *apply)
		if err != nil {
			return f.about(err)
		}
		return printPlan(cmd.OutOrStdout(), plan, *apply, migrateLine(site, *dir))
	})
	return cmd
}

// migrateLine is the command that shows what a site changes.
func migrateLine(site, dir string) string {
	line := "goop migrate"
	if site != "" {
		line += " " + site
	}
	return line + " --data " + dir
}

func printPlan(out io.Writer, p *store.Plan, apply bool, again string) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, part := range []struct {
		label string
		lines []string
	}{{"change", p.Changes}, {"LOSS", p.Losses}, {"IN THE WAY", p.Blocks}} {
		for _, l := range part.lines {
			fmt.Fprintf(w, "%s\t%s\n", part.label, plain(l))
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	say := func(format string, args ...any) error {
		_, err := fmt.Fprintf(out, format+"\n", args...)
		return err
	}
	switch {
	case len(p.Blocks) > 0:
		return errors.New("rows stand in the way, and nothing was changed: change those rows or " + data.SiteFile + " first")
	case len(p.Changes)+len(p.Losses) == 0:
		return say("there is nothing to change: the stored rows fit %s", data.SiteFile)
	case !apply && len(p.Losses) == 0:
		return say("nothing was changed; nothing would be lost, and the next start does this by itself")
	case !apply:
		return say("nothing was changed; to do this, after a backup: %s --apply", again)
	}
	return say("done; the backup from before is %s (%s)", p.Backup.File, holds(asBackup(*p.Backup)))
}

// misfit tells what to do about a goop.json that does not fit the stored rows.
func (h *running) misfit(err error) error {
	e, ok := errors.AsType[*store.SchemaError](err)
	switch {
	case !ok:
		return h.folder.about(err)
	case e.Lossy:
		return fmt.Errorf("%s%w; nothing was changed: change %s back, or see what would be lost with: %s", h.folder.in, err, data.SiteFile, migrateLine(h.opts.site, h.opts.data))
	}
	return fmt.Errorf("%s%w; nothing was changed: change %s back, or those rows first (all there is to change: %s)",
		h.folder.in, err, data.SiteFile, migrateLine(h.opts.site, h.opts.data)) // err begins with goop.json
}
