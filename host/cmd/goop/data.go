package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"goop/host/control"
	"goop/shared/data"
	"goop/shared/jsontext"
)

// maxCell is how many characters of a value goop data query shows in a table.
const maxCell = 60

func dataCommand() *cobra.Command {
	return parent(&cobra.Command{
		Use:   "data",
		Short: "See, export and import the rows of the site's tables",
		Long: "See, export and import the rows of the site's tables, as the site's owner: while the host runs, and on the data\n" +
			"folder of one that does not.",
	}, dataTablesCommand(), dataQueryCommand(), dataExportCommand(), dataImportCommand())
}

func dataTablesCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "tables",
		Short:   "List the tables and views, with how many rows there are",
		Example: "  goop data tables",
	}
	dir, asJSON := dataFlag(cmd), jsonFlag(cmd)
	cmd.RunE = do(func(cmd *cobra.Command, _ []string) error {
		return withData(cmd.Context(), *dir, func(d control.Data) error {
			list, err := d.Tables(cmd.Context())
			if err != nil {
				return err
			}
			if *asJSON {
				return printJSON(cmd.OutOrStdout(), list)
			}
			return printTables(cmd.OutOrStdout(), list)
		})
	})
	return cmd
}

func printTables(out io.Writer, list []control.Table) error {
	if len(list) == 0 {
		_, err := fmt.Fprintln(out, "the site has no tables; goop.json declares them")
		return err
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "TABLE\tROWS\tCOLUMNS")
	for _, t := range list {
		rows := strconv.FormatInt(t.Rows, 10)
		if t.View {
			rows = "view"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\n", t.Name, rows, orNone(strings.Join(t.Columns, ", ")))
	}
	return w.Flush()
}

func dataQueryCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "query TABLE",
		Short: "Show rows of a table or view",
		Long: "Show rows of a table or view. --where takes a condition as pages write it: {\"column\":value}, with\n" +
			"{\"column\":{\">\":value}} for other comparisons (=, !=, <, <=, >, >=, in, like, contains, null) and the keys and, or, not.\n" +
			"Moments are shown in this machine's time zone; in a condition, and with --json, they are milliseconds since 1970.",
		Example: "  goop data query notes\n" +
			"  goop data query moves --where '{\"game\":\"chess-42\",\"ply\":{\">\":10}}' --order game,-ply --columns ply,san --limit 20",
	}
	dir, asJSON := dataFlag(cmd), cmd.Flags().Bool("json", false, "print each row as JSON on a line of its own, for programs")
	where := cmd.Flags().String("where", "", "a `condition` in JSON; without it all rows")
	order := cmd.Flags().StringSlice("order", nil, "`columns` to order by, with - before those that go down, such as game,-ply")
	columns := cmd.Flags().StringSlice("columns", nil, "the `columns` to show; without it all")
	limit := cmd.Flags().Int("limit", 100, fmt.Sprintf("the `number` of rows, at most %s; goop data export has no limit", thousands(data.MaxRows)))
	cmd.RunE = do(func(cmd *cobra.Command, args []string) error {
		request, err := queryRequest(args[0], *where, *order, *columns, *limit)
		if err != nil {
			return err
		}
		var rows []json.RawMessage
		var tables []control.Table
		err = withData(cmd.Context(), *dir, func(d control.Data) error {
			if rows, err = d.Query(cmd.Context(), request); err == nil && !*asJSON {
				tables, err = d.Tables(cmd.Context())
			}
			return err
		})
		if err != nil {
			return err
		}
		if len(rows) == *limit {
			cmd.PrintErrf("these are the first %s; there may be more (--limit)\n", count(len(rows), "row"))
		}
		if !*asJSON {
			return printRows(cmd.OutOrStdout(), rows, timesOf(tables, args[0]))
		}
		for _, row := range rows {
			if _, err := fmt.Fprintln(cmd.OutOrStdout(), string(row)); err != nil {
				return err
			}
		}
		return nil
	})
	return cmd
}

// queryRequest makes a request of the data protocol.
func queryRequest(table, where string, order, columns []string, limit int) (json.RawMessage, error) {
	request := map[string]any{"id": 1, "op": data.OpQuery, "table": table, "limit": limit}
	if where != "" {
		if err := jsontext.Check([]byte(where)); err != nil {
			return nil, fmt.Errorf(`--where is not JSON: %w; it is a condition such as '{"game":"chess-42"}', in single quotes for the shell`, err)
		}
		request["where"] = json.RawMessage(where)
	}
	if len(order) > 0 {
		request["order"] = order
	}
	if len(columns) > 0 {
		request["columns"] = columns
	}
	return json.Marshal(request)
}

// timesOf tells which columns of a table hold moments, those of the host among them.
func timesOf(tables []control.Table, name string) []string {
	times := []string{"_created_at", "_updated_at"}
	for _, t := range tables {
		if t.Name == name {
			times = append(times, t.Times...)
		}
	}
	return times
}

// printRows shows rows as a table. Each has the same columns, but for those of the host that it does without.
func printRows(out io.Writer, rows []json.RawMessage, times []string) error {
	if len(rows) == 0 {
		_, err := fmt.Fprintln(out, "there are no such rows")
		return err
	}
	var columns []string
	cells := make([]map[string]string, len(rows))
	for i, row := range rows {
		cells[i] = make(map[string]string)
		for m := jsontext.MembersOf(row); m.Next(); {
			name := string(m.Key)
			cells[i][name] = cell(m.Value)
			if ms, err := jsontext.Int(m.Value); err == nil && slices.Contains(times, name) {
				cells[i][name] = time.UnixMilli(ms).Format(momentFormat)
			}
			if i == 0 || len(cells[i]) > len(columns) {
				columns = append(columns, name)
			}
		}
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, strings.Join(columns, "\t"))
	line := make([]string, len(columns))
	for _, c := range cells {
		for i, name := range columns {
			line[i] = orNone(c[name])
		}
		fmt.Fprintln(w, strings.Join(line, "\t"))
	}
	return w.Flush()
}

// cell shows a value, "" for null.
func cell(raw []byte) string {
	text := string(raw)
	switch jsontext.KindOf(raw) {
	case jsontext.Null:
		return ""
	case jsontext.String:
		if s, err := jsontext.Str(raw); err == nil {
			text = s
		}
		if text == "" {
			return `""`
		}
	}
	text = plain(text)
	if utf8.RuneCountInString(text) > maxCell {
		text = string([]rune(text)[:maxCell-1]) + "…"
	}
	return text
}

func dataImportCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "import TABLE FILE",
		Short: "Put rows from a file into a table, all of them or none",
		Long: "Put rows into a table: FILE (- for standard input) has one JSON object a line, with the row's columns, as goop data\n" +
			"export writes them. Each row is checked against goop.json; when one does not fit, nothing is imported, and the\n" +
			"command says which line it is. _id, _owner, _created_at, _updated_at and _seq are kept when they are there; without them a row\n" +
			"gets a new _id, belongs to nobody but the site's owner, and is of this moment.",
		Example: "  goop data import questions questions.jsonl\n  goop data export notes | goop data import notes - --replace --data other-data",
	}
	dir, asJSON := dataFlag(cmd), jsonFlag(cmd)
	replace := cmd.Flags().Bool("replace", false, "a row whose _id is there already takes its place; without it that is an error")
	skip := cmd.Flags().Bool("skip-existing", false, "a row that is there already stays as it is")
	cmd.PreRunE = func(*cobra.Command, []string) error {
		if *replace && *skip {
			return errors.New("a row that is there is replaced or skipped: take --replace or --skip-existing")
		}
		return nil
	}
	cmd.RunE = do(func(cmd *cobra.Command, args []string) error {
		mode := control.ImportNew
		switch {
		case *replace:
			mode = control.ImportReplace
		case *skip:
			mode = control.ImportSkip
		}
		rows, name := cmd.InOrStdin(), "standard input"
		if args[1] != "-" {
			f, err := os.Open(args[1])
			if err != nil {
				return fmt.Errorf("%s cannot be read: %w", args[1], cause(err))
			}
			defer f.Close() // only read
			rows, name = f, args[1]
		}
		var n control.Imported
		err := withData(cmd.Context(), *dir, func(d control.Data) (err error) {
			n, err = d.Import(cmd.Context(), args[0], mode, rows)
			return err
		})
		if err != nil {
			return fmt.Errorf("%s: %s; nothing was imported", name, oneLine(err))
		}
		if *asJSON {
			return printJSON(cmd.OutOrStdout(), n)
		}
		_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s: %s inserted, %d replaced, %d skipped\n", args[0], count(int(n.Inserted), "row"), n.Replaced, n.Skipped)
		return err
	})
	return cmd
}

func dataExportCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "export [TABLE...]",
		Short: "Write rows into files, one JSON object a line",
		Long: "Write all rows of tables, of all tables without a name, as they are at one moment: one JSON object a line, with all\n" +
			"columns. --out is a folder, into which each table is written as TABLE.jsonl; for one table also a file, or - for\n" +
			"standard output, which it is without --out.",
		Example: "  goop data export notes > notes.jsonl\n  goop data export --out exported",
	}
	dir := dataFlag(cmd)
	out := cmd.Flags().String("out", "", "the `folder` or file to write to, or - for standard output")
	force := cmd.Flags().Bool("force", false, "overwrite files that are there")
	cmd.RunE = do(func(cmd *cobra.Command, args []string) error {
		return withData(cmd.Context(), *dir, func(d control.Data) error {
			list, err := d.Tables(cmd.Context())
			if err != nil {
				return err
			}
			list, err = exported(list, args)
			if err != nil {
				return err
			}
			e, err := newExport(*out, list, *force, cmd.OutOrStdout())
			if err != nil {
				return err
			}
			names := make([]string, len(list))
			for i, t := range list {
				names[i] = t.Name
			}
			err = d.Export(cmd.Context(), names, e.row)
			if err = errors.Join(err, e.end(err)); err != nil {
				return err
			}
			for _, f := range e.done {
				cmd.PrintErrln(f)
			}
			return nil
		})
	})
	return cmd
}

// exported picks the tables that are asked for, all that hold rows when none are.
func exported(list []control.Table, names []string) ([]control.Table, error) {
	var stored, picked []control.Table
	for _, t := range list {
		if !t.View {
			stored = append(stored, t)
		}
	}
	if len(stored) == 0 {
		return nil, errors.New("the site has no tables; goop.json declares them")
	}
	if len(names) == 0 {
		return stored, nil
	}
	for _, name := range names {
		found := false
		for _, t := range list {
			switch {
			case t.Name != name:
			case t.View:
				return nil, fmt.Errorf("%s is a view, whose rows are those of tables; goop data query %s --json shows them", name, name)
			default:
				picked, found = append(picked, t), true
			}
		}
		if !found {
			return nil, fmt.Errorf("there is no table %q; there are %s", name, tableNames(stored))
		}
	}
	return picked, nil
}
