package main

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"
)

// record is all that was measured, part by part, so that one can be measured again and the others stay.
type record struct {
	Parts map[string]*part `json:"parts"`
}

// part is what one instrument came to.
type part struct {
	Date    string  `json:"date"`
	Version string  `json:"version"` // of this repository
	Machine machine `json:"machine"`
	Runs    []run   `json:"runs"`
}

// run is one time that one system did one work.
type run struct {
	System  string         `json:"system"`
	Work    string         `json:"work"`
	Output  map[string]any `json:"output,omitempty"` // what the instrument printed
	Profile []share        `json:"profile,omitempty"`
	Error   string         `json:"error,omitempty"`
}

func load(file string) (*record, error) {
	r := &record{Parts: map[string]*part{}}
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return r, nil
	}
	if err != nil {
		return nil, err
	}
	return r, json.Unmarshal(text, r)
}

func (r *record) save(file string) error {
	text, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(text, '\n'), 0o644)
}

// begin empties a part.
func (r *record) begin(name string, m machine) *part {
	p := &part{Date: time.Now().UTC().Format(time.DateOnly), Version: describe(), Machine: m}
	r.Parts[name] = p
	return p
}

// of returns what a system came to in a work, a run each.
func (r *record) of(system, work string) []run {
	var all []run
	for _, name := range sortedKeys(r.Parts) {
		for _, run := range r.Parts[name].Runs {
			if run.System == system && run.Work == work && run.Error == "" {
				all = append(all, run)
			}
		}
	}
	return all
}

// figure is the median of a number in what a system came to in a work. A path has dots.
func (r *record) figure(system, work, path string) (float64, bool) {
	var all []float64
	for _, run := range r.of(system, work) {
		if v, ok := number(run.Output, path); ok {
			all = append(all, v)
		}
	}
	if len(all) == 0 {
		return 0, false
	}
	slices.Sort(all)
	return all[len(all)/2], true
}

// number returns what stands at a path; true counts as 1.
func number(object map[string]any, path string) (float64, bool) {
	for {
		key, rest, more := strings.Cut(path, ".")
		v, ok := object[key]
		if !ok {
			return 0, false
		}
		if !more {
			switch v := v.(type) {
			case float64:
				return v, true
			case bool:
				if v {
					return 1, true
				}
				return 0, true
			}
			return 0, false
		}
		if object, ok = v.(map[string]any); !ok {
			return 0, false
		}
		path = rest
	}
}

// text returns the words that stand at a key of what a system came to last.
func (r *record) text(system, work, key string) string {
	all := r.of(system, work)
	if len(all) == 0 {
		return ""
	}
	s, _ := all[len(all)-1].Output[key].(string)
	return s
}

// profile is where the host's time went in a work.
func (r *record) profile(system, work string) []share {
	for _, run := range r.of(system, work) {
		if run.Profile != nil {
			return run.Profile
		}
	}
	return nil
}

func sortedKeys[V any](m map[string]V) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
