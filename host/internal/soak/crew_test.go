package soak_test

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"goop/host/node"
	"goop/shared/jsontext"
	"goop/shared/member"
	"goop/shared/wire"
)

// crewJob is the environment variable that makes this program one crew: a process with some members.
const crewJob = "GOOP_SOAK_CREW"

// crew is what one process of members is told.
type crew struct {
	Seed   uint64
	Dir    string // for notes
	Ways   ways
	Names  []string
	Groups []string
	Pause  time.Duration // of a member between two messages, on average
}

// ways is where the host is reached, through the bad network.
type ways struct{ UDP, Web, TCP string }

// descriptor returns what tells a dialer where the host is.
func (w ways) descriptor() func(context.Context) (wire.Descriptor, error) {
	fetch := node.FetchDescriptor("http://" + w.Web)
	return func(ctx context.Context) (wire.Descriptor, error) {
		d, err := fetch(ctx)
		if err != nil || len(d.WebTransport) == 0 {
			return d, err
		}
		addr := func(address, network, rest string) string {
			host, port, _ := net.SplitHostPort(address)
			return "/ip4/" + host + "/" + network + "/" + port + rest + "/p2p/" + string(d.Peer)
		}
		_, path, _ := strings.Cut(strings.TrimPrefix(d.WebTransport[0].URL, "https://"), "/")
		d.WebTransport = []wire.WebTransportAddr{{URL: "https://" + w.UDP + "/" + path, CertHashes: d.WebTransport[0].CertHashes}}
		d.WebSocket = []string{"ws://" + w.Web + "/"}
		d.Addrs = []string{addr(w.UDP, "udp", "/quic-v1"), addr(w.TCP, "tcp", "")}
		return d, nil
	}
}

var transports = []string{node.QUIC, node.WebTransport, node.WebSocket, node.TCP}

// soaker is one member and what it writes down.
type soaker struct {
	name  string
	m     *member.Member
	d     *node.Dialer
	notes *notes
	rooms []*room
	rng   *rand.Rand // of the goroutine that sends

	waiting    sync.WaitGroup // answers that are still to come
	unanswered atomic.Int64
}

// room is a soaker's part in one group.
type room struct {
	*soaker
	group   string
	s       *member.Session
	view    member.View
	sent    int
	changed chan struct{} // holds one token: something has come

	// The following belong to Deliver.
	epoch string
	pos   int64
	folds int
}

func newSoaker(c *crew, name, transport string, seed uint64) (*soaker, error) {
	n, err := openNotes(filepath.Join(c.Dir, name+".jsonl"))
	if err != nil {
		return nil, err
	}
	d, err := node.NewDialer(node.DialerOptions{Descriptor: c.Ways.descriptor(), Transport: transport})
	if err != nil {
		return nil, err
	}
	s := &soaker{name: name, d: d, notes: n, rng: rand.New(rand.NewPCG(seed, 3))}
	s.m = member.New(member.Options{Dialer: d, OnStatus: func(st member.Status) {
		r := record{Kind: aStatus, Code: string(st.State), What: cmp.Or(st.Transport, transport)}
		n.add(r)
	}})
	s.m.Start()
	for _, group := range c.Groups {
		r := &room{soaker: s, group: group, changed: make(chan struct{}, 1)}
		r.view.Next = r
		meta := fmt.Sprintf(`{"label":%q}`, name)
		if r.s, err = s.m.Open(wire.GroupID(group), member.JoinOptions{Meta: []byte(meta), Handler: &r.view}); err != nil {
			return nil, err
		}
		s.rooms = append(s.rooms, r)
	}
	return s, nil
}

// joined waits for the welcomes of all groups.
func (s *soaker) joined(ctx context.Context) error {
	for _, r := range s.rooms {
		if err := r.s.Joined(ctx); err != nil {
			return fmt.Errorf("%s: join %s: %w", s.name, r.group, err)
		}
	}
	return nil
}

// Deliver implements member.Handler: it writes down what has come.
func (r *room) Deliver(batch []member.Event) {
	var out []record
	add := func(rec record) {
		rec.Group = r.group
		if rec.Epoch == "" {
			rec.Epoch = r.epoch
		}
		out = append(out, rec)
	}
	for i := range batch {
		e := &batch[i]
		f := &e.Frame
		switch {
		case f.Type == member.TypeGap:
			add(record{Kind: aGap, Seq: e.From, To: e.To})
		case f.Type == wire.TypeWelcome:
			w := e.Welcome
			r.epoch, r.pos = string(w.Epoch), w.Seq
			rec := record{Kind: aWelcome, Seq: w.Seq, Peer: string(w.You.Peer), Resumed: w.Resumed}
			if !w.Resumed {
				rec.State = canonical(w.State)
			}
			add(rec)
		case f.Type == wire.TypeState && len(f.Payload) > 0:
			snap, err := wire.ParseSnapshot(f.Payload)
			if err != nil {
				panic(err)
			}
			r.epoch, r.pos = string(snap.Epoch), f.Seq
			add(record{Kind: aSnapshot, Seq: f.Seq, State: canonical(snap.State)})
		case f.Type == wire.TypeState && len(f.Patch) == 0:
			r.pos = f.Seq
			add(record{Kind: aSkip, Seq: f.Seq})
		case f.Type == wire.TypeMsg && f.Seq == 0:
			by, n := signature(f.Payload)
			add(record{Kind: aWhisper, Peer: string(f.From), By: by, N: n})
		case f.Type == wire.TypeMsg || f.Type == wire.TypeState:
			r.pos = f.Seq
			rec := entryRecord(string(f.Type), f.Payload, f.Patch)
			rec.Seq, rec.Peer, rec.Dest, rec.Time, rec.Own = f.Seq, string(f.From), string(f.To), f.Time, e.Own
			add(rec)
		case f.Type == wire.TypeClose || f.Type == wire.TypeError && e.Err.Fatal:
			add(record{Kind: anEnd, Code: string(e.Err.Code)})
		}
	}
	if r.folds++; r.folds%10 == 0 { // the view has taken in the batch by now
		add(record{Kind: aState, Seq: r.pos, State: canonical(r.view.State())})
	}
	r.notes.add(out...)
	select {
	case r.changed <- struct{}{}:
	default:
	}
}

// entryRecord describes an entry by its content.
func entryRecord(kind string, payload, patch []byte) record {
	content := payload
	r := record{Kind: anEntry}
	if len(patch) > 0 {
		content, r.Patch = patch, string(patch)
	}
	r.By, r.N = signature(content)
	r.What = kind + " " + hash(content)
	return r
}

// signature returns who says to have sent a content, and as the how manieth. It stands in the key that
// begins with "m".
func signature(content []byte) (by string, n int) {
	for m := jsontext.MembersOf(content); m.Next(); {
		if key := string(m.Key); strings.HasPrefix(key, "m") {
			v, _ := jsontext.Int(m.Value)
			return key, int(v)
		}
	}
	return "", 0
}

// play sends until ctx is over.
func (s *soaker) play(ctx context.Context, pause time.Duration) {
	for {
		timer := time.NewTimer(time.Duration((0.2 + 1.6*s.rng.Float64()) * float64(pause)))
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
		r := s.rooms[s.rng.IntN(len(s.rooms))]
		if r.s.Err() != nil {
			continue // thrown out of there
		}
		r.speak()
	}
}

// speak sends something.
func (r *room) speak() {
	r.sent++
	sign := fmt.Sprintf(`%q:%d`, r.name, r.sent)
	pad := strings.Repeat("x", r.rng.IntN(300))
	var patch, payload string
	var opts member.SendOptions
	var ifSeq *int64
	switch n := r.rng.IntN(10); {
	case n < 2:
		patch = fmt.Sprintf(`{%s,"k%d":%s}`, sign, r.rng.IntN(8), []string{"null", strconv.Itoa(r.sent), `{"a":{"b":1}}`, `{"a":null,"c":[null]}`}[r.rng.IntN(4)])
		if seq := r.s.Position().Seq; r.rng.IntN(2) == 0 {
			seq = max(0, seq-int64(r.rng.IntN(20)))
			ifSeq = &seq
		}
	case n < 3:
		payload = fmt.Sprintf(`{%s,"volatile":true}`, sign)
		opts = member.SendOptions{Volatile: true, Key: "cursor"}
		if r.rng.IntN(2) == 0 {
			opts = member.SendOptions{Unreliable: true, Key: "pointer"}
		}
	case n < 5:
		if list, _ := r.view.Members(); len(list) > 0 {
			opts.To = list[r.rng.IntN(len(list))].Peer
		}
		payload = fmt.Sprintf(`{%s,"to":%q,"pad":%q}`, sign, opts.To, pad)
	default:
		payload = fmt.Sprintf(`{%s,"pad":%q}`, sign, pad)
	}
	r.post(payload, patch, opts, ifSeq)
}

// post hands something over, and writes down what becomes of it.
func (r *room) post(payload, patch string, opts member.SendOptions, ifSeq *int64) {
	kind := "msg"
	if patch != "" {
		kind = "state"
	}
	rec := entryRecord(kind, []byte(payload), []byte(patch))
	rec.Kind, rec.Group, rec.N, rec.Patch, rec.By = aPost, r.group, r.sent, "", ""
	kept := !opts.Volatile && !opts.Unreliable
	if kept {
		r.notes.add(rec)
	}
	var p *member.Pending
	var err error
	if patch != "" {
		p, err = r.s.PostState([]byte(patch), ifSeq)
	} else {
		p, err = r.s.Post([]byte(payload), opts)
	}
	if !kept {
		return
	}
	if err != nil {
		r.answer(rec.N, member.Receipt{}, err)
		return
	}
	r.unanswered.Add(1)
	r.waiting.Go(func() {
		receipt, err := p.Wait(context.Background())
		r.unanswered.Add(-1)
		r.answer(rec.N, receipt, err)
	})
}

func (r *room) answer(n int, receipt member.Receipt, err error) {
	rec := record{Kind: anAck, Group: r.group, N: n, Seq: receipt.Seq, Time: receipt.Time}
	if err != nil {
		e, ok := errors.AsType[*wire.Error](err)
		if !ok {
			panic(err)
		}
		rec = record{Kind: aFailure, Group: r.group, N: n, Code: string(e.Code)}
	}
	r.notes.add(rec)
}

// quiet waits until everything that was sent is answered, and returns how much is not when ctx ends.
func (s *soaker) quiet(ctx context.Context) int64 {
	done := make(chan struct{})
	go func() { s.waiting.Wait(); close(done) }() // ends with the answers, or the process
	select {
	case <-done:
	case <-ctx.Done():
	}
	return s.unanswered.Load()
}

// report writes down what the member sees once it has come to the heads of the logs and sees as many
// peers as it should, or when ctx ends.
func (s *soaker) report(ctx context.Context, heads map[string]head) {
	for _, r := range s.rooms {
		if r.s.Err() != nil {
			continue
		}
		for ctx.Err() == nil {
			_, count := r.view.Members()
			if p := r.s.Position(); p.Seq >= heads[r.group].Seq && string(p.Epoch) == heads[r.group].Epoch && count == heads[r.group].Count {
				break
			}
			select {
			case <-r.changed:
			case <-ctx.Done():
			}
		}
		list, count := r.view.Members()
		p := r.s.Position()
		rec := record{Kind: aRoster, Group: r.group, Epoch: string(p.Epoch), Seq: p.Seq, N: count, State: canonical(r.view.State())}
		for _, m := range list {
			rec.Peers = append(rec.Peers, string(m.Peer))
		}
		s.notes.add(rec)
	}
}

// head is where a group has to come to.
type head struct {
	Epoch string
	Seq   int64
	Count int // of peers
}

func (s *soaker) close() error {
	s.m.Close()
	return errors.Join(s.d.Close(), s.notes.close())
}

// order is what a crew is told while it runs, and answer what it says to that.
type order struct {
	Do    string // quiet, report
	Heads map[string]head
}

type answer struct {
	Unanswered int64
	Error      string
}

// runCrew is the process of one crew: it reads orders until there are no more.
func runCrew(in io.Reader, out io.Writer) error {
	orders := json.NewDecoder(bufio.NewReader(in))
	var c crew
	if err := orders.Decode(&c); err != nil {
		return err
	}
	answers := json.NewEncoder(out)
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	var all []*soaker
	var playing sync.WaitGroup
	say := func(a answer, err error) error {
		if err != nil {
			a.Error = err.Error()
		}
		return answers.Encode(a)
	}
	for i, name := range c.Names {
		s, err := newSoaker(&c, name, transports[(i+int(c.Seed%4))%len(transports)], c.Seed+uint64(i))
		if err != nil {
			return say(answer{}, err)
		}
		all = append(all, s)
	}
	patience, cancel := context.WithTimeout(ctx, 2*time.Minute)
	var failed error
	for _, s := range all {
		failed = errors.Join(failed, s.joined(patience))
	}
	cancel()
	if err := say(answer{}, failed); err != nil || failed != nil {
		return err
	}
	for _, s := range all {
		playing.Go(func() { s.play(ctx, c.Pause) })
	}
	for {
		var o order
		err := orders.Decode(&o)
		switch {
		case errors.Is(err, io.EOF):
			stop()
			playing.Wait()
			for _, s := range all {
				err := s.close()
				failed = errors.Join(failed, err)
			}
			return failed
		case err != nil:
			return err
		}
		patience, cancel := context.WithTimeout(context.Background(), time.Minute)
		var a answer
		switch o.Do {
		case "quiet":
			stop()
			playing.Wait()
			for _, s := range all {
				a.Unanswered += s.quiet(patience)
			}
		case "report":
			var reporting sync.WaitGroup
			for _, s := range all {
				reporting.Go(func() { s.report(patience, o.Heads) })
			}
			reporting.Wait()
		}
		cancel()
		if err := say(a, nil); err != nil {
			return err
		}
	}
}

// crewMain is main for a crew.
func crewMain() int {
	if err := runCrew(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "crew:", err)
		return 1
	}
	return 0
}
