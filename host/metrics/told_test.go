package metrics_test

import "goop/host/metrics"

// reading has another number in each field, and told has the lines that they become.
var (
	reading = metrics.Reading{
		Connections: 11, Peers: 12, Groups: 13, Members: 14, Sessions: 15,
		Commits: 21,
	}
	told = []string{
		"# TYPE goop_connections gauge", "goop_connections 11",
		"# TYPE goop_peers gauge", "goop_peers 12",
		"# TYPE goop_groups gauge", "goop_groups 13",
		"# TYPE goop_members gauge", "goop_members 14",
		"# TYPE goop_sessions gauge", "goop_sessions 15",
		"# TYPE goop_commits_total counter", "goop_commits_total 21",
	}
)
