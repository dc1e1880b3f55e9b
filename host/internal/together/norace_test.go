//go:build !race

package together_test

const crowdShare = 1
