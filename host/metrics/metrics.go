// Package metrics tells Prometheus what the host does: a few numbers of the whole host, those of the
// process and of Go, and nothing for each group or peer, of which there may be any number.
//
// The package knows the names, and the listener on which they are read. Where the numbers come from is
// behind a function of package main; it must not know store, node or relay. It is the only one that
// imports Prometheus' client.
//
// # Concurrency
//
// All methods may be called from many goroutines. A Server answers from goroutines of its own, for which
// Close waits.
package metrics

import (
	"net/http"
	"runtime"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Reading is what the host counts, at one moment.
type Reading struct {
	// At the moment.
	Connections int // of members, each page one
	Peers       int // connected, each counted once whatever its pages
	Groups      int // open
	Members     int // of all groups together
	Sessions    int // of all groups together

	BackupLast int // when the newest scheduled backup was made, in seconds since 1970; 0 for never

	// Since the start.
	Commits         int64 // transactions of the database
	Joins           int64 // sessions that were taken in, returns included
	Appended        int64 // entries of all groups
	Deliveries      int64 // of entries to sessions
	BytesOut        int64 // that members took
	Resyncs         int64 // sessions that got a whole state because their log had forgotten
	TooSlow         int64 // sessions that were ended because they did not read
	DatagramsIn     int64
	DatagramsOut    int64
	VolatileDropped int64
	BackupsFailed   int64            // scheduled backups that could not be made
	Refused         map[string]int64 // frames and joins, by the code that they were refused with
}

// Metrics are the host's numbers under their names.
type Metrics struct {
	registry *prometheus.Registry
	appends  prometheus.Histogram
}

// appendBuckets are the bounds of the histogram of appends, in seconds: from memory, over a fast disk's
// fsync, to what a member notices.
var appendBuckets = []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5}

// New returns the metrics of a host of a version. read is called for each scrape; it has to be quick.
func New(version string, read func() Reading) *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		appends: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "goop_append_duration_seconds",
			Help:    "Time for which entries of a durable group waited to be on the disk, one observation for each batch.",
			Buckets: appendBuckets,
		}),
	}
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name:        "goop_build_info",
		Help:        "Always 1; the labels say what the host was built from.",
		ConstLabels: prometheus.Labels{"version": version, "goversion": runtime.Version()},
	})
	build.Set(1)
	m.registry.MustRegister(
		host{read}, m.appends, build,
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	return m
}

// Appended notes how long a batch of entries took to be on the disk.
func (m *Metrics) Appended(took time.Duration) { m.appends.Observe(took.Seconds()) }

// Handler answers scrapes.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{
		Timeout:             scrapeTime,
		MaxRequestsInFlight: maxScrapes,
	})
}

// number is one of the numbers of a Reading.
type number struct {
	desc  *prometheus.Desc
	kind  prometheus.ValueType
	value func(*Reading) float64
}

func gauge(name, help string, value func(*Reading) int) number {
	return number{
		prometheus.NewDesc("goop_"+name, help, nil, nil), prometheus.GaugeValue,
		func(r *Reading) float64 { return float64(value(r)) },
	}
}

func counter(name, help string, value func(*Reading) int64) number {
	return number{
		prometheus.NewDesc("goop_"+name+"_total", help, nil, nil), prometheus.CounterValue,
		func(r *Reading) float64 { return float64(value(r)) },
	}
}

// numbers are what is told of a Reading.
var numbers = []number{
	gauge("connections", "Connections of members; each page that is open has one.", func(r *Reading) int { return r.Connections }),
	gauge("peers", "Members that are connected, each counted once whatever its pages.", func(r *Reading) int { return r.Peers }),
	gauge("groups", "Open groups.", func(r *Reading) int { return r.Groups }),
	gauge("members", "Members of all groups together; one that is in two groups counts twice.", func(r *Reading) int { return r.Members }),
	gauge("sessions", "Sessions (pages) in all groups together.", func(r *Reading) int { return r.Sessions }),
	gauge("backup_last_timestamp_seconds", "When the newest scheduled backup was made, in seconds since 1970; 0 for never.", func(r *Reading) int { return r.BackupLast }),
	counter("backups_failed", "Scheduled backups that could not be made.", func(r *Reading) int64 { return r.BackupsFailed }),
	counter("commits", "Transactions that the database has put on the disk.", func(r *Reading) int64 { return r.Commits }),
	counter("joins", "Sessions that were taken in, those that returned included.", func(r *Reading) int64 { return r.Joins }),
	counter("entries_appended", "Entries of all groups: messages and changes of the state.", func(r *Reading) int64 { return r.Appended }),
	counter("deliveries", "Deliveries of entries to sessions, acknowledgements included.", func(r *Reading) int64 { return r.Deliveries }),
	counter("sent_bytes", "Bytes of groups that members took.", func(r *Reading) int64 { return r.BytesOut }),
	counter("resyncs", "Sessions that got a whole state because the log had forgotten what they missed.", func(r *Reading) int64 { return r.Resyncs }),
	counter("too_slow", "Sessions that were ended because they did not read.", func(r *Reading) int64 { return r.TooSlow }),
	counter("datagrams_received", "Unreliable messages that came as datagrams.", func(r *Reading) int64 { return r.DatagramsIn }),
	counter("datagrams_sent", "Unreliable messages that were sent as datagrams.", func(r *Reading) int64 { return r.DatagramsOut }),
	counter("volatile_dropped", "Volatile and unreliable messages that were dropped: stale, over the rate, or pushed out by newer ones.", func(r *Reading) int64 { return r.VolatileDropped }),
}

// refused are the frames and joins that were refused, by code.
var refused = prometheus.NewDesc("goop_refused_total", "Frames and joins that were refused, by the code of the error.", []string{"code"}, nil)

// host collects the numbers of a Reading, all of the same moment.
type host struct{ read func() Reading }

// Describe implements prometheus.Collector.
func (h host) Describe(out chan<- *prometheus.Desc) {
	for _, n := range numbers {
		out <- n.desc
	}
	out <- refused
}

// Collect implements prometheus.Collector.
func (h host) Collect(out chan<- prometheus.Metric) {
	r := h.read()
	for _, n := range numbers {
		out <- prometheus.MustNewConstMetric(n.desc, n.kind, n.value(&r))
	}
	for code, n := range r.Refused {
		out <- prometheus.MustNewConstMetric(refused, prometheus.CounterValue, float64(n), code)
	}
}
