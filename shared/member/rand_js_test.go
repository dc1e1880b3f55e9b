package member

import "crypto/rand"

func init() { defaultRand = rand.Reader }
