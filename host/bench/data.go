package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"

	"goop/host/bench/load"
	"goop/shared/member"
	"goop/shared/wire"
)

var data = Scenario{
	Name:  "data",
	Short: "what reaches the disk: messages of durable groups, rows, and who watches them",
	Long: "Four kinds of work, one after the other, each for --secs:\n" +
		"  append  every member has a durable group of its own and sends to it, with up to 64 messages of --size bytes\n" +
		"          that are not acknowledged yet; an acknowledged one is on the disk\n" +
		"  insert  every member inserts rows of about --size bytes, each when the one before is answered\n" +
		"  query   every member asks for the 20 newest rows of some\n" +
		"  watch   every member watches the 20 newest rows, while one more inserts 20 rows a second\n" +
		"A figure is what was answered in that time; the loops are closed, so the load goes as fast as it can. The lines\n" +
		"about the host are of append. Only a host that is started for it is measured: one that runs has no such groups.",
	Usual:    Options{Members: 64, Size: 128, For: 10 * time.Second},
	Profiles: true,
	Run:      runData,
}

const (
	flying     = 64 // messages of one sender that a host takes in without an answer
	watchEvery = time.Second / 20
)

// DataResult is what came of scenario data.
type DataResult struct {
	Append Part `json:"append"` // from the call until the acknowledgement
	Insert Part `json:"insert"` // until the answer
	Query  Part `json:"query"`  // until the answer
	Watch  Part `json:"watch"`  // from when the row was due until a watcher has it; counted are events
}

// dataSite is the site of so many members.
func dataSite(members int) string {
	var s strings.Builder
	s.WriteString(`{"name":"Bench","groups":[`)
	for i := range members {
		if i > 0 {
			s.WriteByte(',')
		}
		fmt.Fprintf(&s, `{"id":%q,"name":"Bench","type":"open","durable":true}`, dataGroup(i))
	}
	s.WriteString(`],"tables":{"rows":{"columns":{"n":{"type":"integer"},"t":{"type":"integer"},"text":{"type":"text"}},` +
		`"indexes":[["n"]],"access":{"read":"open","insert":"open"}}}}`)
	return s.String()
}

func dataGroup(i int) wire.GroupID { return wire.GroupID(fmt.Sprint("bench-", i)) }

func runData(ctx context.Context, b *Bench) (_ *Report, err error) {
	if b.URL != "" {
		return nil, errors.New("data needs groups and a table of its own, and so starts a host: it takes no --url")
	}
	h, err := b.Start(ctx, Setup{Site: dataSite(b.Members), Limits: []string{
		"rate=100000", "bandwidth=1GiB", "data-reads=100000", "data-writes=100000", fmt.Sprint("groups=", max(1000, b.Members+1)),
	}})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, h.Close()) }()
	d := &dataRun{b: b, host: h, text: strings.Repeat("x", b.Size)}
	defer func() { err = errors.Join(err, d.close()) }()
	if d.gauge, err = newGauge(ctx, h, b.Profile); err != nil {
		return nil, err
	}
	defer d.gauge.close()
	return d.run(ctx)
}

// dataRun is one run of scenario data.
type dataRun struct {
	b     *Bench
	host  *Host
	gauge *gauge
	text  string

	members  []*member.Member
	sessions []*member.Session
	ends     []func() error
}

func (d *dataRun) close() error {
	return load.Each(len(d.ends), func(i int) error { return d.ends[i]() })
}

func (d *dataRun) run(ctx context.Context) (*Report, error) {
	if err := d.connect(ctx); err != nil {
		return nil, err
	}
	if err := d.gauge.phase(ctx, load.Connected); err != nil {
		return nil, err
	}
	r := d.b.report(load.Plan{Members: d.b.Members, Senders: d.b.Members, Size: d.b.Size, For: d.b.For, Warm: d.b.warm()})
	var res DataResult
	for _, w := range []struct {
		name string
		to   *Part
		work work
	}{
		{"append", &res.Append, d.append},
		{"insert", &res.Insert, d.insert},
		{"query", &res.Query, d.query},
		{"watch", &res.Watch, d.watch},
	} {
		d.b.Progress(w.name)
		m := meter{bench: d.b, host: d.host}
		if w.name == "append" {
			m.begin = func() error { return d.gauge.phase(ctx, load.Begin) }
			m.end = func() error { return d.gauge.phase(ctx, load.End) }
		}
		var err error
		if *w.to, err = m.measure(ctx, d.b.Members, w.work); err != nil {
			return nil, fmt.Errorf("%s: %w", w.name, err)
		}
		if w.name == "append" {
			if err := d.gauge.phase(ctx, load.Drained); err != nil {
				return nil, err
			}
			r.Host = d.gauge.figures(w.to.load(d.host), d.b.Members)
		}
		w.to.row(r, w.name)
	}
	r.Result = res
	r.hostRows()
	if !r.Host.Pin {
		r.Note("the host and the load shared the machine's cores")
	}
	return r, nil
}

// connect connects the members, each with its group.
func (d *dataRun) connect(ctx context.Context) error {
	d.b.Progress(fmt.Sprint("connecting ", d.b.Members, " members"))
	for i := range d.b.Members {
		m, end, err := d.host.Member()
		if err != nil {
			return err
		}
		d.ends = append(d.ends, end)
		joining, cancel := context.WithTimeout(ctx, joinTime)
		s, err := m.Join(joining, dataGroup(i), member.JoinOptions{Handler: member.HandlerFunc(func([]member.Event) {})})
		cancel()
		if err != nil {
			return err
		}
		d.members, d.sessions = append(d.members, m), append(d.sessions, s)
	}
	return nil
}

// append keeps a number of messages on their way.
func (d *dataRun) append(ctx context.Context, i int, done func(since time.Time)) error {
	type sent struct {
		pending *member.Pending
		at      time.Time
	}
	payload := []byte(`{"text":"` + d.text + `"}`)
	waits := make([]sent, 0, flying)
	for n := 0; ; n++ {
		if len(waits) == flying {
			oldest := &waits[n%flying]
			if _, err := oldest.pending.Wait(ctx); err != nil {
				return err
			}
			done(oldest.at)
		}
		s := sent{at: time.Now()}
		var err error
		if s.pending, err = d.sessions[i].Post(payload, member.SendOptions{}); err != nil {
			return err
		}
		if len(waits) < flying {
			waits = append(waits, s)
		} else {
			waits[n%flying] = s
		}
	}
}

// row returns the request that inserts a row.
func (d *dataRun) row(n int, at time.Time) []byte {
	return fmt.Appendf(nil, `{"op":"insert","table":"rows","values":{"n":%d,"t":%d,"text":%q}}`, n%100, at.UnixMicro(), d.text)
}

func (d *dataRun) insert(ctx context.Context, i int, done func(since time.Time)) error {
	for n := i; ; n++ {
		at := time.Now()
		if _, err := d.members[i].Call(ctx, d.row(n, at)); err != nil {
			return err
		}
		done(at)
	}
}

func (d *dataRun) query(ctx context.Context, i int, done func(since time.Time)) error {
	for n := i; ; n++ {
		at := time.Now()
		request := fmt.Appendf(nil, `{"op":"query","table":"rows","where":{"n":%d},"order":["-_id"],"limit":20}`, n%100)
		if _, err := d.members[i].Call(ctx, request); err != nil {
			return err
		}
		done(at)
	}
}

// watch watches, and the first member inserts too.
func (d *dataRun) watch(ctx context.Context, i int, done func(since time.Time)) error {
	failed := make(chan error, 1)
	stop, err := d.members[i].Watch(ctx, []byte(`{"op":"watch","table":"rows","order":["-_id"],"limit":20}`), func(c member.Change) {
		switch {
		case c.Err != nil:
			failed <- c.Err
		case !c.Fresh:
			if at, ok := addedAt(c.Answer); ok {
				done(at)
			}
		}
	})
	if err != nil {
		return err
	}
	defer stop()
	if i > 0 {
		select {
		case err := <-failed:
			return err
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	ticker := time.NewTicker(watchEvery)
	defer ticker.Stop()
	for n := 0; ; n++ {
		select {
		case at := <-ticker.C:
			if _, err := d.members[i].Ask(d.row(n, at)); err != nil {
				return err
			}
		case err := <-failed:
			return err
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// addedAt finds in an event when its last row was due.
func addedAt(event []byte) (at time.Time, ok bool) {
	i := bytes.LastIndex(event, []byte(`"t":`))
	if i < 0 {
		return at, false
	}
	digits := event[i+len(`"t":`):]
	end := 0
	for end < len(digits) && digits[end] >= '0' && digits[end] <= '9' {
		end++
	}
	us, err := strconv.ParseInt(string(digits[:end]), 10, 64)
	return time.UnixMicro(us), err == nil
}

// warm is how long work goes on before it is measured.
func (b *Bench) warm() time.Duration { return min(2*time.Second, b.For/2) }

// self is this process, which makes the load.
func self() *load.Process { return load.Attach(os.Getpid(), runtime.GOMAXPROCS(0)) }
