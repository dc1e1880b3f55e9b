package door

import (
	"errors"
	"log/slog"
	"strconv"
	"testing"
	"time"

	"goop/shared/door"
	"goop/shared/wire"
)

// However many new hosts come to a full door, it looks through those that it has once a minute, and lets the next ones
// in when some are forgotten.
func TestFullDoor(t *testing.T) {
	t.Parallel()
	now := time.Now()
	h, err := openHosts(t.TempDir(), now, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := h.close(); err != nil {
			t.Error(err)
		}
	}()
	known, forgotten := &door.Entry{Seq: 1, Announced: now.UnixMilli()}, &door.Entry{Seq: 1}
	h.mu.Lock()
	for i := range door.MaxHosts {
		h.entries[strconv.Itoa(i)] = known
	}
	h.mu.Unlock()
	put := func(label string, at time.Time) error {
		return h.put(label, &door.Entry{Seq: 2, Announced: at.UnixMilli()}, at)
	}
	if err := put("new", now); !errors.Is(err, wire.StorageFull) {
		t.Fatalf("a full door: %v", err)
	}
	h.mu.Lock()
	h.entries["7"] = forgotten // by a walk
	h.mu.Unlock()
	if err := put("new", now.Add(fullFor-time.Millisecond)); !errors.Is(err, wire.StorageFull) {
		t.Errorf("within a minute: %v", err)
	}
	if err := put("8", now); err != nil {
		t.Errorf("one that it knows: %v", err)
	}
	if err := put("new", now.Add(fullFor)); err != nil {
		t.Errorf("after a minute: %v", err)
	}
	if h.get("new") == nil || h.get("7") != nil {
		t.Error("the new host has not taken the place of the forgotten one")
	}
	if err := put("another", now.Add(-time.Hour)); !errors.Is(err, wire.StorageFull) { // the clock was set back
		t.Errorf("full once more: %v", err)
	}
}
