package group

import (
	"crypto/rand"
	"strings"

	"goop/shared/wire"
)

// NewID returns the id of a group that was created without one: 128 random bits, so that nobody finds
// a group by guessing.
func NewID() wire.GroupID { return wire.GroupID(strings.ToLower(rand.Text())) }
