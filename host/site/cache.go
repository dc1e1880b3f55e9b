package site

import (
	"container/list"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"sync"
	"time"
)

const (
	// cacheBytes bounds what the site's files take in memory, their compressed forms included.
	cacheBytes = 64 << 20
	// cacheFile is the size of the largest file that is kept in memory.
	cacheFile = 4 << 20
)

// errRead is wrapped by errors about a file that is there and cannot be read.
var errRead = errors.New("read a file of the site")

// cache keeps the site's small files, those asked for last. A file that changed on the disk is
// recognised by its time and size.
type cache struct {
	limit int64

	// mu guards the following.
	mu     sync.Mutex
	byName map[string]*list.Element // of order
	order  *list.List               // of *cached, the one used last in front
	used   int64
}

// cached is one file of a cache.
type cached struct {
	name string
	mod  time.Time
	size int64
	*asset
}

// cost bounds what an entry can take: neither encoding is kept when it is larger than the file.
func (c *cached) cost() int64 { return int64(encodings)*int64(len(c.plain)) + 512 }

func newCache(limit int64) *cache {
	return &cache{limit: limit, byName: map[string]*list.Element{}, order: list.New()}
}

// get returns a file from memory, or reads it from f, which is at its beginning.
func (c *cache) get(name string, f io.Reader, info fs.FileInfo) (*asset, error) {
	if a := c.find(name, info); a != nil {
		return a, nil
	}
	// Two requests may read the same file at once; one of the two copies is dropped.
	b, err := io.ReadAll(io.LimitReader(f, cacheFile+1))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errRead, err)
	}
	if len(b) > cacheFile {
		return nil, fmt.Errorf("%w: %s grew while it was read", errRead, name)
	}
	a := newAsset(name, b, cacheAsk)
	a.mod = info.ModTime()
	a.member = loadsMember(a)
	c.add(&cached{name, info.ModTime(), info.Size(), a})
	return a, nil
}

// find returns the file if it is kept and still the same.
func (c *cache) find(name string, info fs.FileInfo) *asset {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.byName[name]
	if e == nil {
		return nil
	}
	entry := e.Value.(*cached)
	if !entry.mod.Equal(info.ModTime()) || entry.size != info.Size() {
		c.removeLocked(e)
		return nil
	}
	c.order.MoveToFront(e)
	return entry.asset
}

// add keeps an entry in place of one of the same name, and drops what was not used for longest.
func (c *cache) add(entry *cached) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.byName[entry.name]; e != nil {
		c.removeLocked(e)
	}
	c.byName[entry.name] = c.order.PushFront(entry)
	c.used += entry.cost()
	for c.used > c.limit && c.order.Len() > 1 {
		c.removeLocked(c.order.Back())
	}
}

func (c *cache) removeLocked(e *list.Element) {
	entry := c.order.Remove(e).(*cached)
	delete(c.byName, entry.name)
	c.used -= entry.cost()
}
