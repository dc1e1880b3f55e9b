package metrics_test

import "goop/host/metrics"

// reading has another number in each field, and told has the lines that they become.
var (
	reading = metrics.Reading{
		Connections: 11, Peers: 12, Groups: 13, Members: 14, Sessions: 15,
		Commits: 21, Joins: 22, Appended: 23, Deliveries: 24, BytesOut: 25, Resyncs: 26, TooSlow: 27, DatagramsIn: 28,
		DatagramsOut: 29, VolatileDropped: 30, Refused: map[string]int64{"full": 31, "forbidden": 0},
	}
	told = []string{
		"# TYPE goop_connections gauge", "goop_connections 11",
		"# TYPE goop_peers gauge", "goop_peers 12",
		"# TYPE goop_groups gauge", "goop_groups 13",
		"# TYPE goop_members gauge", "goop_members 14",
		"# TYPE goop_sessions gauge", "goop_sessions 15",
		"# TYPE goop_commits_total counter", "goop_commits_total 21",
		"# TYPE goop_joins_total counter", "goop_joins_total 22",
		"# TYPE goop_entries_appended_total counter", "goop_entries_appended_total 23",
		"# TYPE goop_deliveries_total counter", "goop_deliveries_total 24",
		"# TYPE goop_sent_bytes_total counter", "goop_sent_bytes_total 25",
		"# TYPE goop_resyncs_total counter", "goop_resyncs_total 26",
		"# TYPE goop_too_slow_total counter", "goop_too_slow_total 27",
		"# TYPE goop_datagrams_received_total counter", "goop_datagrams_received_total 28",
		"# TYPE goop_datagrams_sent_total counter", "goop_datagrams_sent_total 29",
		"# TYPE goop_volatile_dropped_total counter", "goop_volatile_dropped_total 30",
		"# TYPE goop_refused_total counter", `goop_refused_total{code="full"} 31`, `goop_refused_total{code="forbidden"} 0`,
	}
)
