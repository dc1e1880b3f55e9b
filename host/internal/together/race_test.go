//go:build race

package together_test

// crowdShare makes TestSlowMember smaller: with all of it the race detector would measure only itself.
const crowdShare = 5
