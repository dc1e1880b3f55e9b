package bench

import (
	"context"
	"time"
)

// fanoutSenders are how many members send.
const fanoutSenders = 10

var fanout = Scenario{
	Name:  "fanout",
	Short: "a few members send, and all others get everything",
	Long: "Ten of the members send --rate messages a second, all ten together, into one group; each message goes to all\n" +
		"the other members. It measures what a delivery costs, and how long it takes from the moment at which the message\n" +
		"was to be sent.",
	Usual:    Options{Members: 100, Rate: 500, Size: 128, For: 10 * time.Second},
	Profiles: true,
	Bare:     true,
	Run: func(ctx context.Context, b *Bench) (*Report, error) {
		return b.messages(ctx, b.plan(min(fanoutSenders, b.Members), b.Rate))
	},
}
