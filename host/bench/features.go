package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"goop/host/bench/load"
)

var features = Scenario{
	Name:  "features",
	Short: "what else a host can do, and what a delivery costs meanwhile",
	Long: "The work of fanout, in a plain open group and then with one thing more at a time:\n" +
		"  durable   the group is a durable one: each message is on the disk before anybody gets it\n" +
		"  state     patches of the group's state in the place of the messages\n" +
		"  volatile  volatile messages in their place\n" +
		"  news      beside them somebody comes or goes 20 times a second, and all are told\n" +
		"  watch     beside them every member watches a table, into which 5 rows a second are inserted\n" +
		"All have --secs, in turns of about two seconds with the same members and the same host, in an order that is turned round each\n" +
		"time. It tells by how much more of the host's CPU a delivery costs than it did in the plain group of the same turn: the median of\n" +
		"all turns. Only a host that is started for it is measured: one that runs has no such groups.",
	Usual: Options{Members: 100, Rate: 500, Size: 128, For: 14 * time.Second},
	Run:   runFeatures,
}

// turnTime is how long a feature's turn is, about. Machines become faster and slower while they are measured, by more than what a
// feature costs: turns should be short, and many.
const turnTime = 2 * time.Second

// featuresSite has the groups of allFeatures, of which one is durable, and a table.
var featuresSite = func() string {
	var groups []string
	for _, f := range allFeatures {
		groups = append(groups, fmt.Sprintf(`{"id":%q,"name":%[1]q,"type":"open","durable":%t}`, f.group, f.group == durableGroup))
	}
	return `{"name":"Bench","groups":[` + strings.Join(groups, ",") + `],"tables":{"rows":{"columns":{"text":{"type":"text"}},"access":{"read":"open","insert":"open"}}}}`
}()

// FeatureResult is what came of one feature.
type FeatureResult struct {
	PerHostCPU float64 // deliveries per second of the host's CPU, the median; load.Unknown where it cannot be had
	Cost       float64 // by how many percent of CPU more a delivery cost than in the plain group; NaN where that is unknown
}

// MarshalJSON writes null for what is unknown.
func (f FeatureResult) MarshalJSON() ([]byte, error) {
	of := map[string]*float64{"perHostCpuSecond": nil, "costPercent": nil}
	if f.PerHostCPU >= 0 {
		of["perHostCpuSecond"] = new(math.Round(f.PerHostCPU*10) / 10)
	}
	if !math.IsNaN(f.Cost) {
		of["costPercent"] = new(math.Round(f.Cost*10) / 10)
	}
	return json.Marshal(of)
}

func runFeatures(ctx context.Context, b *Bench) (_ *Report, err error) {
	if b.URL != "" {
		return nil, errors.New("features needs groups and a table of its own, and so starts a host: it takes no --url")
	}
	turns := int(b.For/turnTime) | 1 // an odd number has one in the middle
	one := *b
	one.For = b.For / time.Duration(turns)
	p := one.plan(min(fanoutSenders, b.Members), b.Rate)
	h, err := b.Start(ctx, Setup{Site: featuresSite, Limits: limitsFor(p)})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, h.Close()) }()
	s := &stage{host: h}
	defer func() { err = errors.Join(err, s.close()) }()
	if err := s.open(ctx); err != nil {
		return nil, err
	}
	took := make([][]load.Result, len(allFeatures)) // in each turn
	for n := range turns {
		for i := range allFeatures {
			if n%2 == 1 {
				i = len(allFeatures) - 1 - i
			}
			f := &allFeatures[i]
			b.Progress(fmt.Sprintf("turn %d of %d: %s", n+1, turns, f.name))
			res, err := s.play(ctx, f, p)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", f.name, err)
			}
			took[i] = append(took[i], res)
		}
	}
	r := b.report(p)
	r.Host = HostFigures{Cores: h.Process().Cores(), Own: h.Own(), Pin: h.pinned()}
	r.featureRows(took)
	return r, nil
}

// featureRows fills in the result, from what came of all turns of all features, of which the plain group is the first.
func (r *Report) featureRows(took [][]load.Result) {
	all := map[string]FeatureResult{}
	r.Row("plan", "%d members, %d of them send %s messages/s of %d bytes together, %d times %v s with each feature",
		r.Plan.Members, r.Plan.Senders, grouped(r.Plan.Rate), r.Plan.Size, len(took[0]), r.Plan.Secs)
	for i, f := range allFeatures {
		var rates, costs []float64
		var each strings.Builder
		for n, res := range took[i] {
			rate, plain := res.PerHostCPU(), took[0][n].PerHostCPU()
			rates = append(rates, rate)
			if rate <= 0 || plain <= 0 { // nothing came in so short a time, or it took no measurable time
				continue
			}
			costs = append(costs, 100*(plain/rate-1))
			fmt.Fprintf(&each, " %+.1f", costs[len(costs)-1])
		}
		res := FeatureResult{PerHostCPU: median(rates), Cost: median(costs)}
		all[f.name] = res
		switch {
		case math.IsNaN(res.Cost):
			r.Row(f.name, unknown)
		case i == 0:
			r.Row(f.name, "%s deliveries per host CPU second", grouped(res.PerHostCPU))
		default:
			r.Row(f.name, "%s deliveries per host CPU second, %+.1f %% of CPU for each (%s )", grouped(res.PerHostCPU), res.Cost, each.String())
		}
	}
	r.Result = all
	if !r.Host.Pin {
		r.Note("the host and the load shared the machine's cores")
	}
}

// median is NaN of nothing.
func median(values []float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	return slices.Sorted(slices.Values(values))[len(values)/2]
}
