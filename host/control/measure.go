package control

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/url"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"runtime/pprof"
	"strconv"
	"time"

	"goop/shared/wire"
)

// MaxProfile is the longest CPU profile.
const MaxProfile = 10 * time.Minute

// Memory is what the host's process holds right after a garbage collection that was made for it, which also gave
// what was free back to the system.
type Memory struct {
	Heap       int64 `json:"heap"`   // bytes of objects that are alive
	Stacks     int64 `json:"stacks"` // bytes of the goroutines' stacks
	Goroutines int   `json:"goroutines"`
	RSS        int64 `json:"rss"` // bytes that the process has from the system; 0 where that is unknown
}

// Counters are what the host has counted since it was started.
type Counters struct {
	Joins      int64 `json:"joins"`      // sessions that were taken in, returns included
	Appended   int64 `json:"appended"`   // entries of all groups
	Deliveries int64 `json:"deliveries"` // of entries to sessions, acknowledgements included
	BytesOut   int64 `json:"bytesOut"`   // of groups' streams, that members took
	Commits    int64 `json:"commits"`    // transactions of the database
	Resyncs    int64 `json:"resyncs"`    // sessions that got a whole state because their log had forgotten
	TooSlow    int64 `json:"tooSlow"`    // sessions that were ended because they did not read
	// Mallocs is how many objects the process has allocated, AllocBytes how large they were together.
	Mallocs    int64 `json:"mallocs"`
	AllocBytes int64 `json:"allocBytes"`
	GCs        int64 `json:"gcs"` // garbage collections
}

// measure adds the requests with which a host is measured. What the process itself knows needs no Host.
func (s *Server) measure(mux *http.ServeMux) {
	mux.HandleFunc("GET /counters", answer(s, func(r *http.Request) (any, error) {
		c, err := s.host.Counters(r.Context())
		c.Mallocs, c.AllocBytes, c.GCs = allocated()
		return c, err
	}))
	mux.HandleFunc("POST /memory", long(s, maxBody, func(*http.Request) (any, error) { return ReadMemory(), nil }))
	mux.HandleFunc("POST /cpu-profile", s.profile)
}

// ReadMemory collects garbage and reads what is left.
func ReadMemory() Memory {
	runtime.GC()         // what pools keep in reserve outlives the first collection
	debug.FreeOSMemory() // which collects again
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return Memory{Heap: int64(m.HeapAlloc), Stacks: int64(m.StackInuse), Goroutines: runtime.NumGoroutine(), RSS: resident()}
}

// resident reads the resident size of this process from /proc, where there is one.
func resident() int64 {
	b, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	fields := bytes.Fields(b)
	if len(fields) < 2 {
		return 0
	}
	pages, err := strconv.ParseInt(string(fields[1]), 10, 64)
	if err != nil {
		return 0
	}
	return pages * int64(os.Getpagesize())
}

// allocated reads the allocator's counters without stopping the program.
func allocated() (objects, size, collections int64) {
	samples := []metrics.Sample{
		{Name: "/gc/heap/allocs:objects"}, {Name: "/gc/heap/tiny/allocs:objects"}, {Name: "/gc/heap/allocs:bytes"}, {Name: "/gc/cycles/total:gc-cycles"},
	}
	metrics.Read(samples)
	v := func(i int) int64 { return int64(samples[i].Value.Uint64()) }
	return v(0) + v(1), v(2), v(3)
}

// profile answers with a CPU profile of the time to come. There is one at a time.
func (s *Server) profile(w http.ResponseWriter, r *http.Request) {
	fail := func(err error) { s.reply(w, r, nil, err) }
	d, err := time.ParseDuration(r.FormValue("for"))
	if err != nil || d <= 0 || d > MaxProfile {
		fail(wire.E(wire.InvalidValue, "a profile is of more than 0 and at most ", MaxProfile.String()))
		return
	}
	r, done := s.lasting(w, r)
	defer done()
	var b bytes.Buffer
	if err := pprof.StartCPUProfile(&b); err != nil {
		fail(wire.E(wire.Conflict, "the host is being profiled already"))
		return
	}
	end := time.NewTimer(d)
	defer end.Stop()
	select {
	case <-end.C:
	case <-r.Context().Done():
	}
	pprof.StopCPUProfile()
	if err := context.Cause(r.Context()); err != nil {
		fail(err)
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	if _, err := w.Write(b.Bytes()); err != nil {
		s.log.Debug("a profile on the control socket was not read", "error", err)
	}
}

// Counters asks what the host has counted.
func (c *Client) Counters(ctx context.Context) (n Counters, err error) {
	err = c.do(ctx, http.MethodGet, "/counters", &n)
	return n, err
}

// Memory has the host collect garbage and asks for what is left. That may take long on a large host.
func (c *Client) Memory(ctx context.Context) (m Memory, err error) {
	err = c.lasting().do(ctx, http.MethodPost, "/memory", &m)
	return m, err
}

// Profile asks for a CPU profile of the host, for as long as d says, and returns it in pprof's format.
func (c *Client) Profile(ctx context.Context, d time.Duration) ([]byte, error) {
	l := c.lasting()
	res, err := l.send(ctx, l.http, http.MethodPost, "/cpu-profile?"+url.Values{"for": {d.String()}}.Encode(), nil)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return nil, badAnswer(err)
	}
	return b, nil
}
