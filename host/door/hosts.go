package door

import (
	"log/slog"
	"sync"
	"time"

	"goop/shared/door"
)

const (
	syncEvery = time.Second      // how much of the journal a power cut may cost, at most
	tidyEvery = 10 * time.Minute // how often what is over is dropped
	fullFor   = time.Minute      // how long a door that was full is taken to be, before all its entries are looked at again
)

// hosts is what the door remembers: all of it in memory, and in a journal on the disk.
type hosts struct {
	log     *slog.Logger
	written chan struct{} // has room for one: the journal is to be synced
	stop    chan struct{}
	stopped sync.WaitGroup

	mu      sync.Mutex
	entries map[string]*door.Entry // by label; an entry is replaced, never changed
	journal *journal
	full    time.Time // when it was found to be full last
}

// openHosts reads a folder's journal, and begins a new one that has no more in it than is still of use.
func openHosts(dir string, now time.Time, log *slog.Logger) (*hosts, error) {
	h := &hosts{log: log, written: make(chan struct{}, 1), stop: make(chan struct{}), entries: map[string]*door.Entry{}}
	damaged, err := readJournal(dir, func(label string, e *door.Entry) {
		if have := h.entries[label]; have == nil || have.Seq < e.Seq {
			h.entries[label] = e
		}
	})
	if err != nil {
		return nil, err
	}
	if damaged > 0 {
		log.Warn("the door's journal has lines that could not be read, and goes on without them", "lines", damaged)
	}
	h.tidy(now)
	if h.journal, err = newJournal(dir, h.entries); err != nil {
		return nil, err
	}
	h.stopped.Go(h.run)
	return h, nil
}

// get returns the entry of a label, nil when there is none.
func (h *hosts) get(label string) *door.Entry {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.entries[label]
}

// put keeps an entry, unless a newer one has come in the meantime.
func (h *hosts) put(label string, e *door.Entry, now time.Time) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	have := h.entries[label]
	switch {
	case have != nil && have.Seq >= e.Seq:
		return door.Older(have.Seq)
	case have == nil && len(h.entries) >= door.MaxHosts:
		if since := now.Sub(h.full); since >= 0 && since < fullFor {
			return door.Full() // all wait for whoever walks through the entries
		}
		if h.tidy(now); len(h.entries) >= door.MaxHosts {
			h.full = now
			return door.Full()
		}
	}
	if err := h.journal.write(label, e); err != nil {
		return err
	}
	h.entries[label] = e
	select {
	case h.written <- struct{}{}:
	default:
	}
	return nil
}

// count returns how many entries there are, and how many of them visitors are given.
func (h *hosts) count(now time.Time) (known, here int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, e := range h.entries {
		if e.Current(now) {
			here++
		}
	}
	return len(h.entries), here
}

// tidy forgets hosts that have not been seen for long, and of those that are away where they were: that
// is nobody's business any more. Their sequence numbers stay. The caller holds mu, or is the only one there is.
func (h *hosts) tidy(now time.Time) {
	for label, e := range h.entries {
		switch {
		case e.Announced+door.Remember.Milliseconds() < now.UnixMilli():
			delete(h.entries, label)
		case !e.Current(now) && e.Network != "":
			h.entries[label] = &door.Entry{Peer: e.Peer, Seq: e.Seq, Announced: e.Announced, Expires: e.Expires, Pace: e.Pace}
		}
	}
}

// run does what has to be done from time to time.
func (h *hosts) run() {
	tidies := time.NewTicker(tidyEvery)
	defer tidies.Stop()
	var due <-chan time.Time // nil while all is on the disk
	for {
		select {
		case <-h.stop:
			return
		case <-h.written:
			if due == nil {
				due = time.After(syncEvery)
			}
		case <-due:
			due = nil
			h.mu.Lock()
			f := h.journal.file
			h.mu.Unlock()
			if f == nil {
				continue // shrink has told
			}
			if err := f.Sync(); err != nil { // without mu: it takes long, and the file is closed by this goroutine alone
				h.log.Error("the door's journal is not safe on the disk", "error", err)
			}
		case <-tidies.C:
			h.mu.Lock()
			h.tidy(time.Now())
			err := h.journal.shrink(h.entries)
			h.mu.Unlock()
			if err != nil {
				h.log.Error("the door's journal could not be written anew, and the old one grows", "error", err)
			}
		}
	}
}

func (h *hosts) close() error {
	close(h.stop)
	h.stopped.Wait()
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.journal.close()
}
