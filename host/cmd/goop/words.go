package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"goop/host/templates"
	"goop/shared/data"
)

// What the command line says of itself. The library that reads it has words of its own for all of this, which speak
// of its insides ("accepts at most 1 arg(s), received 2"); here they are what a person can do something with.

// afterFlags is the annotation of a command with what its help says last: a long list would push the rest away.
const afterFlags = "after flags"

// more is the heading of what stands last in goop --help.
const more = "More:"

// counted has a command, and those below it, look at how many arguments there are.
func counted(cmd *cobra.Command) {
	if cmd.Args == nil {
		cmd.Args = takes
	}
	for _, c := range cmd.Commands() {
		counted(c)
	}
}

// takes checks the number of arguments, by what the line that says how a command is used has names for.
func takes(cmd *cobra.Command, args []string) error {
	needed, most := placeholders(cmd.Use)
	switch {
	case len(args) < len(needed):
		return fmt.Errorf("%q needs %s", cmd.CommandPath(), strings.Join(needed[len(args):], " and "))
	case most >= 0 && len(args) > most:
		return fmt.Errorf("%q has no use for %q", cmd.CommandPath(), args[most])
	}
	return nil
}

// placeholders reads a line such as "send URL GROUP [MESSAGE...]": the names of what must be there, and how many
// arguments there may be, -1 for any number.
func placeholders(use string) (needed []string, most int) {
	_, rest, _ := strings.Cut(use, " ")
	for rest != "" {
		var name string
		if inner, ok := strings.CutPrefix(rest, "["); ok {
			name, rest, _ = strings.Cut(inner, "]")
		} else {
			name, rest, _ = strings.Cut(rest, " ")
			needed = append(needed, name)
		}
		rest = strings.TrimPrefix(rest, " ")
		if strings.HasSuffix(name, "...") {
			return needed, -1
		}
		most++
	}
	return needed, most
}

// parent makes a command one that is nothing without one of its own: it says which there are.
func parent(cmd *cobra.Command, of ...*cobra.Command) *cobra.Command {
	cmd.AddCommand(of...)
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return nil
		}
		return noCommand(cmd, args[0])
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		names := available(cmd)
		last := len(names) - 1
		return fmt.Errorf("%q needs to know what to do: %s or %s", cmd.CommandPath(), strings.Join(names[:last], ", "), names[last])
	}
	return cmd
}

// noCommand tells of a command that there is not.
func noCommand(cmd *cobra.Command, name string) error {
	meant := data.Nearest(name, available(cmd))
	if !cmd.HasParent() && slices.Contains(templates.Names(), name) {
		meant = "serve " + name
	}
	return fmt.Errorf("there is no command %q%s", cmd.CommandPath()+" "+name, didYouMean(cmd.CommandPath()+" ", meant))
}

// didYouMean asks that, about a word behind others; it is "" about nothing.
func didYouMean(before, word string) string {
	if word == "" {
		return ""
	}
	return fmt.Sprintf(" (did you mean %q?)", before+word)
}

// available are the names of a command's own, those that are listed.
func available(cmd *cobra.Command) (names []string) {
	for _, c := range cmd.Commands() {
		if listed(c) {
			names = append(names, c.Name())
		}
	}
	return names
}

// listed reports whether a command is for people. The one that helps is none that the library lists.
func listed(c *cobra.Command) bool { return c.IsAvailableCommand() || c.Name() == "help" }

// helpCommand is goop help.
func helpCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "help [COMMAND...]",
		Short:   "Say how a command is used",
		GroupID: more,
		RunE: func(cmd *cobra.Command, args []string) error {
			of := cmd.Root()
			for _, name := range args {
				at := slices.IndexFunc(of.Commands(), func(c *cobra.Command) bool { return c.Name() == name })
				if at < 0 {
					return noCommand(of, name)
				}
				of = of.Commands()[at]
			}
			return of.Help()
		},
	}
}

// flagError tells of a flag that was not understood.
func flagError(cmd *cobra.Command, err error) error {
	if e, ok := errors.AsType[*pflag.NotExistError](err); ok {
		return strayFlag(cmd, e)
	}
	if e, ok := errors.AsType[*pflag.ValueRequiredError](err); ok {
		what, _ := pflag.UnquoteUsage(e.GetFlag())
		return fmt.Errorf("%s needs a value behind it (%s)", dashed(e.GetSpecifiedName()), what)
	}
	if e, ok := errors.AsType[*pflag.InvalidValueError](err); ok {
		return badValue(e)
	}
	if e, ok := errors.AsType[*pflag.InvalidSyntaxError](err); ok {
		return fmt.Errorf("%q is no flag", e.GetSpecifiedFlag())
	}
	return err
}

// strayFlag tells of a flag that a command has not. A whole word behind one dash is one that lacks the other.
func strayFlag(cmd *cobra.Command, e *pflag.NotExistError) error {
	name, written := e.GetSpecifiedName(), dashed(e.GetSpecifiedName())
	if group := e.GetSpecifiedShortnames(); group != "" {
		name, written = group, "-"+group
	}
	word, _, _ := strings.Cut(name, "=")
	var flags []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if !f.Hidden {
			flags = append(flags, f.Name)
		}
	})
	meant := ""
	switch {
	case slices.Contains(available(cmd), word):
		meant = didYouMean(cmd.CommandPath()+" ", word)
	case len(word) > 1:
		meant = didYouMean("--", data.Nearest(word, flags))
	}
	return fmt.Errorf("%q has no flag %s%s", cmd.CommandPath(), strings.TrimSuffix(written, "="), meant)
}

// badValue says what kind of value a flag takes. Values of our own kinds say so themselves.
func badValue(e *pflag.InvalidValueError) error {
	is := map[string]string{
		"int": "a whole number", "uint16": "a port between 1 and 65535", "float64": "a number", "bool": "true or false", "duration": "a time such as 30s, 5m or 24h",
	}[e.GetFlag().Value.Type()]
	if is == "" {
		return fmt.Errorf("%s: %w", dashed(e.GetFlag().Name), e.Unwrap())
	}
	return fmt.Errorf("%s %q is not %s", dashed(e.GetFlag().Name), e.GetValue(), is)
}

// dashed writes the name of a flag as it is typed.
func dashed(name string) string {
	if len(name) == 1 {
		return "-" + name
	}
	return "--" + name
}

// printUsage says how a command is used, with all its flags.
func printUsage(cmd *cobra.Command) error {
	var b strings.Builder
	b.WriteString("Usage:\n  " + useLine(cmd) + "\n")
	if cmd.Example != "" {
		b.WriteString("\nExamples:\n" + cmd.Example + "\n")
	}
	list := func(title, section string) {
		for _, c := range cmd.Commands() {
			if listed(c) && c.GroupID == section {
				b.WriteString(title)
				title = ""
				fmt.Fprintf(&b, "  %-*s  %s\n", cmd.NamePadding(), c.Name(), c.Short)
			}
		}
	}
	for _, s := range cmd.Groups() {
		list("\n"+s.Title+"\n", s.ID)
	}
	list("\nCommands:\n", "")
	if cmd.HasAvailableFlags() {
		flags := cmd.Flags().FlagUsagesWrapped(max(0, terminalWidth(cmd.Root().OutOrStdout())-1)) // 0 wraps nothing
		b.WriteString("\nFlags:\n" + strings.TrimRight(flags, "\n") + "\n")
	}
	if last := cmd.Annotations[afterFlags]; last != "" {
		b.WriteString("\n" + last)
	}
	if cmd.HasAvailableSubCommands() {
		fmt.Fprintf(&b, "\n%s COMMAND --help says more about one.\n", cmd.CommandPath())
	}
	cmd.PrintErr(b.String())
	return nil
}

// shortUsage is the same without flags and commands: a screen full of them would push away the line that says what
// was wrong.
func shortUsage(cmd *cobra.Command) string {
	text := "Usage:\n  " + useLine(cmd) + "\n"
	if cmd.Example != "" {
		text += "\nExamples:\n" + cmd.Example + "\n"
	}
	return text + "\n" + cmd.CommandPath() + " --help says more.\n"
}

func useLine(cmd *cobra.Command) string {
	if cmd.HasAvailableSubCommands() {
		return cmd.CommandPath() + " COMMAND"
	}
	return cmd.UseLine()
}
