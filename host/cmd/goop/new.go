package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"goop/host/templates"
	"goop/shared/data"
)

// schemaFile is where a site has what its goop.json names as $schema, for editors. A host serves the same under that
// path, whatever is in the folder.
const schemaFile = "goop/goop.schema.json"

func newCommand() *cobra.Command {
	names := strings.Join(templates.Names(), " | ")
	cmd := &cobra.Command{
		Use:   "new [" + names + "] [DIR]",
		Short: "Write a built-in site into a folder, to start from",
		Long: "Write a built-in site into the folder DIR, to start from: what goop serves under that name, to be changed\n" +
			"at will. DIR is made when it is missing, and has to be empty. Without arguments the sites are listed.",
		Example: "  goop new\n  goop new " + templates.Default + " my-site",
		Args: func(cmd *cobra.Command, args []string) error {
			switch {
			case len(args) == 1:
				return fmt.Errorf("goop new %s needs the folder to write it into, such as: goop new %[1]s my-site", args[0])
			case len(args) > 2:
				return fmt.Errorf("goop new takes a site and a folder, not %d arguments", len(args))
			}
			return nil
		},
	}
	cmd.RunE = do(func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return printSites(cmd.OutOrStdout())
		}
		return writeSite(args[0], args[1], cmd.OutOrStdout())
	})
	return cmd
}

// printSites lists the built-in sites.
func printSites(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "SITE\tNAME")
	for _, name := range templates.Names() {
		site, _ := templates.Site(name)
		text, err := readManifest(site)
		if err != nil {
			return fmt.Errorf("%s of the site %s: %w", data.SiteFile, name, err)
		}
		s, err := data.ParseSite(text)
		if err != nil {
			return fmt.Errorf("the site %s: %w", name, err)
		}
		fmt.Fprintf(w, "%s\t%s\n", name, s.Name)
	}
	return w.Flush()
}

// writeSite writes a built-in site into a folder, and tells how to go on.
func writeSite(name, dir string, out io.Writer) error {
	site, ok := templates.Site(name)
	if !ok {
		return fmt.Errorf("there is no built-in site %q: they are %s", name, strings.Join(templates.Names(), ", "))
	}
	there, err := os.ReadDir(dir)
	switch {
	case err == nil && len(there) > 0:
		return fmt.Errorf("the folder %s is not empty (it has %s): nothing was written", dir, there[0].Name())
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("the folder %s cannot be read: %w", dir, cause(err))
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return fmt.Errorf("the folder %s cannot be made: %w", dir, cause(err))
	}
	schema := filepath.Join(dir, filepath.FromSlash(schemaFile))
	err = os.CopyFS(dir, site)
	if err == nil {
		err = os.MkdirAll(filepath.Dir(schema), 0o777)
	}
	if err == nil {
		err = os.WriteFile(schema, data.SchemaJSON, 0o666)
	}
	if err != nil {
		return fmt.Errorf("the site could not be written, and %s has a part of it: %w", dir, err)
	}
	_, err = fmt.Fprintf(out, "%s is a site now.\n\n  goop serve %s\n\nserves it. Its page is %s, its tables and groups are in %s.\n",
		dir, asPath(dir), filepath.Join(dir, "index.html"), filepath.Join(dir, data.SiteFile))
	return err
}

// asPath returns how to say to goop serve that a folder is meant, and quotes it for a shell where needed.
func asPath(dir string) string {
	if _, ok := templates.Site(dir); ok {
		dir = "." + string(filepath.Separator) + dir
	}
	if strings.ContainsAny(dir, " \t'\"\\$&;()<>|*?[]~#`!") {
		return "'" + strings.ReplaceAll(dir, "'", `'\''`) + "'"
	}
	return dir
}
