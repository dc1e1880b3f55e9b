package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"goop/host/control"
	"goop/host/store"
)

func backupCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "backup FILE",
		Short: "Write all data into a file, while the host runs or not",
		Long: "Write everything that is in the database (the tables' rows, groups, logs, owners) into FILE, as it is at one\n" +
			"moment. The host goes on meanwhile; without a host it works too. The file is there when it has been read\n" +
			"again and found sound. The host's identity (identity.key in the data folder) is not in it: keep a copy of that\n" +
			"as well.",
		Example: "  goop backup monday.db\n  goop backup /mnt/usb/goop.db --force",
	}
	dir, asJSON := dataFlag(cmd), jsonFlag(cmd)
	force := cmd.Flags().Bool("force", false, "overwrite a file that is there")
	cmd.RunE = do(func(cmd *cobra.Command, args []string) error {
		b, err := backUp(cmd.Context(), *dir, args[0], *force)
		if err != nil {
			return err
		}
		if *asJSON {
			return printJSON(cmd.OutOrStdout(), b)
		}
		_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s: %s, %s, made in %s; it has been read again and is sound\n",
			args[0], holds(b), bytesText(int(b.Size)), took(b.Took))
		return err
	})
	return cmd
}

// backUp makes a backup through the host that runs, or without one.
func backUp(ctx context.Context, dir, file string, force bool) (control.Backup, error) {
	abs, err := filepath.Abs(file)
	if err != nil {
		return control.Backup{}, fmt.Errorf("backup %s: %w", file, err)
	}
	b, err := control.NewClient(dir).Backup(ctx, control.BackupRequest{File: abs, Force: force})
	if _, ok := errors.AsType[*control.NotRunningError](err); !ok {
		return b, err
	}
	made, err := store.BackupFolder(ctx, dir, abs, force)
	return asBackup(made), err
}

func asBackup(b store.Backup) control.Backup {
	return control.Backup{File: b.File, Size: b.Size, Rows: b.Rows(), Tables: b.Tables, Took: b.Took.Milliseconds()}
}

// holds tells how much is in a backup.
func holds(b control.Backup) string {
	return fmt.Sprintf("%s in %s", count(int(b.Rows), "row"), count(len(b.Tables), "table"))
}

// took writes a number of milliseconds.
func took(ms int64) string {
	d := time.Duration(ms) * time.Millisecond
	if d >= 10*time.Second {
		return d.Round(time.Second).String()
	}
	return d.String()
}

func restoreCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "restore FILE",
		Short: "Put a backup in the place of the data; the host must not run",
		Long: "Put a backup in the place of the database in the data folder. End the host first. The backup is read through\n" +
			"before; the database that is there now is moved aside, and the command says where. The host stays who it is\n" +
			"(identity.key is left alone); who owns it, who is banned and which invites are good is as it was in the backup.\n" +
			"Owner links that nobody has opened are void. Members that saw more than the backup has begin anew.",
		Example: "  goop restore monday.db\n  goop restore goop-data/backups/goop-20261124-181300.db --data goop-data",
	}
	dir := dataFlag(cmd)
	cmd.RunE = do(func(cmd *cobra.Command, args []string) error {
		r, err := store.Restore(cmd.Context(), *dir, args[0])
		if err != nil {
			return err
		}
		return printRestored(cmd.OutOrStdout(), *dir, args[0], r)
	})
	return cmd
}

func printRestored(out io.Writer, dir, file string, r store.Restored) error {
	if _, err := fmt.Fprintf(out, "%s is restored into %s: %s, %s\n", file, dir, holds(asBackup(r.Backup)), bytesText(int(r.Size))); err != nil {
		return err
	}
	if r.Aside == "" {
		return nil
	}
	_, err := fmt.Fprintf(out, "the database from before is %s; remove it when you do not need it any more\n", r.Aside)
	return err
}
