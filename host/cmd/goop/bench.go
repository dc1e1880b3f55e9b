package main

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"goop/host/bench"
	"goop/host/bench/bare"
)

func benchCommand() *cobra.Command {
	scenarios := []*cobra.Command{{
		Use: bare.Command + " DATA", Short: "Be a host with none of the relay's features", Hidden: true,
		RunE: do(func(cmd *cobra.Command, args []string) error {
			return bare.Serve(cmd.Context(), args[0], cmd.OutOrStdout())
		}),
	}}
	for _, s := range bench.All {
		scenarios = append(scenarios, scenarioCommand(s))
	}
	return parent(&cobra.Command{
		Use:   "bench",
		Short: "Measure how much this machine carries as a host",
		Long: "Measure how much this machine carries: start a host in a process and a temporary folder of its own, connect\n" +
			"members to it over real connections, make load, and print what that cost. With --url it is a host that runs\n" +
			"already: the members then are visitors of it, and the load is real.\n\n" +
			"docs/operating.md says how to read the table.",
		Example: "  goop bench fanout\n  goop bench fanout --members 300 --rate 1000 --transport ws --json\n  goop bench mesh --profile host.pprof",
	}, scenarios...)
}

func scenarioCommand(s bench.Scenario) *cobra.Command {
	o := s.Usual
	cmd := &cobra.Command{Use: s.Name, Short: strings.ToUpper(s.Short[:1]) + s.Short[1:], Long: s.Long}
	f := cmd.Flags()
	if s.Usual.Members > 0 {
		f.IntVar(&o.Members, "members", s.Usual.Members, "how many members")
	}
	if s.Usual.Rate > 0 {
		f.Float64Var(&o.Rate, "rate", s.Usual.Rate, "how many a second")
	}
	if s.Usual.Size > 0 {
		f.IntVar(&o.Size, "size", s.Usual.Size, "bytes of a payload")
	}
	secs := s.Usual.For.Seconds()
	if s.Usual.For > 0 {
		f.Float64Var(&secs, "secs", secs, "seconds that are measured")
	}
	f.StringVar(&o.Transport, "transport", bench.Transports[0], "how the members connect: "+strings.Join(bench.Transports, ", "))
	f.StringVar(&o.URL, "url", "", "`address` of the page of a host that runs; without it one is started")
	f.StringVar(&o.Data, "data", "", "the data `folder` of that host, if it is on this machine: what it spends is unknown without it")
	f.StringVar(&o.Group, "group", "", "a group of that host that everybody may join; bench without it")
	if s.Profiles {
		f.StringVar(&o.Profile, "profile", "", "`file` for a CPU profile of the host, of the measured time (join: of its first 4 s), for go tool pprof")
	}
	if s.Bare {
		f.BoolVar(&o.Bare, "bare", false, "in the place of a host a bare relay, which has none of its features")
	}
	f.BoolVar(&o.Pin, "pin", true, "keep the host to one core and the load to the others (on Linux, with two cores or more)")
	asJSON := jsonFlag(cmd)
	cmd.PreRunE = func(*cobra.Command, []string) error {
		o.For = time.Duration(secs * float64(time.Second))
		return o.Check(s)
	}
	cmd.RunE = do(func(cmd *cobra.Command, _ []string) error {
		self, err := os.Executable()
		if err != nil {
			return fmt.Errorf("find this program, which the host is too: %w", err)
		}
		b := &bench.Bench{
			Options: o, Scenario: s, Program: self, Version: versionText(),
			Progress: func(text string) { cmd.PrintErrln("goop bench:", text) },
		}
		r, err := b.Run(cmd.Context())
		if cmd.Context().Err() != nil {
			return errors.New("the measurement was ended before it was complete")
		} else if err != nil {
			return err
		}
		if *asJSON {
			return printJSON(cmd.OutOrStdout(), r)
		}
		return r.Print(cmd.OutOrStdout())
	})
	return cmd
}
