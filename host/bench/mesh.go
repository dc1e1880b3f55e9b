package bench

import (
	"context"
	"time"
)

var mesh = Scenario{
	Name:  "mesh",
	Short: "every member sends, and all others get everything",
	Long: "Every member sends --rate messages a second into one group; each goes to all the others. So the deliveries grow\n" +
		"with the square of --members.",
	Usual:    Options{Members: 50, Rate: 20, Size: 128, For: 10 * time.Second},
	Profiles: true,
	Bare:     true,
	Run: func(ctx context.Context, b *Bench) (*Report, error) {
		return b.messages(ctx, b.plan(b.Members, b.Rate*float64(b.Members)))
	},
}
