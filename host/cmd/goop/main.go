// Command goop turns a machine into a host: it serves a site, keeps the site's data, and relays its
// groups. The same program, run a second time, talks to the host that runs: it makes owner links, lists
// owners and tells how the host is.
//
// This package reads flags, ties the other packages together, and turns errors into one line and an
// exit code: 0 when all went well, 1 when it did not, 2 when the command line was not understood. It
// holds no rules of its own; relay and store, site and node, meet here and nowhere else.
package main

import (
	"context"
	"errors"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"goop/shared/wire"
)

// Exit codes.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

// doubleSignal is how long after a signal another one still counts as the same.
const doubleSignal = 500 * time.Millisecond

func main() {
	cobra.MousetrapHelpText = ""       // a host may well be started from a file manager
	cobra.EnableCommandSorting = false // they stand in an order of their own
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// The first signal ends ctx, and with it the host in good order. A moment later signals do again
	// what they do to any program, so that a second one ends it at once. Not before: Ctrl-C under a
	// wrapper often comes twice, from the terminal and from the wrapper.
	context.AfterFunc(ctx, func() { time.AfterFunc(doubleSignal, stop) })
	code := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run executes one command line and returns the exit code. A host runs until ctx ends.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	root := command()
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	cmd, err := root.ExecuteContextC(ctx)
	switch f, ok := err.(*failure); {
	case err == nil:
		return exitOK
	case ok:
		cmd.PrintErrln("goop:", oneLine(f.err))
		return exitFailed
	default:
		cmd.PrintErrln("goop:", oneLine(err))
		cmd.PrintErrln()
		cmd.PrintErr(shortUsage(cmd))
		return exitUsage
	}
}

// failure is an error of a command that was understood; every other error is about the command line.
type failure struct{ err error }

func (f *failure) Error() string { return f.err.Error() }
func (f *failure) Unwrap() error { return f.err }

// oneLine is what the operator reads: several errors that were joined stand on one line, and a refusal
// goes without its code, which is for programs. Parts of it may be the words of another machine.
func oneLine(err error) string {
	text := err.Error()
	if e, ok := errors.AsType[*wire.Error](err); ok {
		text = strings.Replace(text, e.Error(), e.Message, 1)
	}
	return plain(strings.ReplaceAll(text, "\n", "; "))
}

// do turns a function into what cobra runs.
func do(fn func(cmd *cobra.Command, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		if err := fn(cmd, args); err != nil {
			return &failure{err}
		}
		return nil
	}
}

// command returns the command line as a whole.
func command() *cobra.Command {
	root := parent(&cobra.Command{
		Use:               "goop",
		Short:             "Serve a site whose pages talk to each other",
		Long:              "Goop serves a site, keeps its data, and carries what its pages say to each other.",
		Example:           "  goop serve\n  goop new chess my-site\n  goop serve my-site",
		SilenceErrors:     true,
		SilenceUsage:      true,
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
	})
	root.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
	for _, section := range []struct { // in the order in which somebody needs them
		title string
		list  []*cobra.Command
	}{
		{"A host:", []*cobra.Command{serveCommand(), newCommand(), doctorCommand(), statusCommand(), ownerLinkCommand(), ownersCommand(), groupCommand()}},
		{"What it keeps:", []*cobra.Command{dataCommand(), backupCommand(), restoreCommand(), migrateCommand()}},
		{"The terminal as a member of any host:", []*cobra.Command{joinCommand(), sendCommand(), queryCommand(), watchCommand()}},
		{more, []*cobra.Command{doorCommand(), benchCommand(), versionCommand()}},
	} {
		root.AddGroup(&cobra.Group{ID: section.title, Title: section.title})
		for _, c := range section.list {
			c.GroupID = section.title
			counted(c)
		}
		root.AddCommand(section.list...)
	}
	root.SetHelpCommand(helpCommand())
	root.SetUsageFunc(printUsage)
	root.SetFlagErrorFunc(flagError)
	root.PersistentFlags().BoolP("help", "h", false, "say how it is used, and do nothing")
	return root
}

// dataFlag adds --data, which all commands share.
func dataFlag(cmd *cobra.Command) *string {
	return cmd.Flags().String("data", "./goop-data", "the data `folder`")
}
