package main

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// unit is what an amount on the command line is an amount of.
type unit int

const (
	number unit = iota
	size        // bytes
	span        // milliseconds
)

// sizes are the units of sizes, the largest first.
var sizes = []struct {
	name  string
	bytes int64
}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"bytes", 1}}

// parse reads an amount as people write it: 1000 or 1,000; 64KiB or 65536; 30s or 1m30s.
func (u unit) parse(text string) (int64, error) {
	switch u {
	case size:
		for _, s := range sizes {
			if n, ok := cutUnit(text, s.name); ok {
				v, err := parseNumber(n)
				if err != nil || v > math.MaxInt64/s.bytes {
					return 0, fmt.Errorf("%q is not a size such as 64KiB, 1MiB or 65536", text)
				}
				return v * s.bytes, nil
			}
		}
		v, err := parseNumber(text)
		if err != nil {
			return 0, fmt.Errorf("%q is not a size such as 64KiB, 1MiB or 65536", text)
		}
		return v, nil
	case span:
		d, err := time.ParseDuration(text)
		if err != nil || d < 0 {
			return 0, fmt.Errorf("%q is not a time such as 30s or 5m", text)
		}
		return d.Milliseconds(), nil
	}
	v, err := parseNumber(text)
	if err != nil {
		return 0, fmt.Errorf("%q is not a number such as 2000", text)
	}
	return v, nil
}

// cutUnit cuts the unit off an amount, in whatever case it is written.
func cutUnit(text, unit string) (string, bool) {
	at := len(text) - len(unit)
	if at < 0 || !strings.EqualFold(text[at:], unit) {
		return "", false
	}
	return strings.TrimSpace(text[:at]), true
}

var errNoNumber = errors.New("no number")

// parseNumber reads a number from 0 on, with or without commas between the thousands.
func parseNumber(text string) (int64, error) {
	groups := strings.Split(text, ",")
	for i, g := range groups {
		if i > 0 && len(g) != 3 || strings.Trim(g, "0123456789") != "" {
			return 0, errNoNumber
		}
	}
	return strconv.ParseInt(strings.Join(groups, ""), 10, 64)
}

// text writes an amount as the docs do: 2,000; 64 KiB; 60 s.
func (u unit) text(v int64) string {
	switch u {
	case size:
		for _, s := range sizes {
			if v >= s.bytes && v%s.bytes == 0 {
				return thousands(v/s.bytes) + " " + s.name
			}
		}
		return thousands(v) + " bytes"
	case span:
		if v >= 2*time.Hour.Milliseconds() && v%time.Hour.Milliseconds() == 0 {
			return thousands(v/time.Hour.Milliseconds()) + " h"
		}
		if v < 1000 {
			return thousands(v) + " ms"
		}
		return thousands(v/1000) + " s"
	}
	return thousands(v)
}

// thousands writes a number with commas.
func thousands(v int64) string {
	text := strconv.FormatInt(v, 10)
	for at := len(text) - 3; at > 0; at -= 3 {
		text = text[:at] + "," + text[at:]
	}
	return text
}
