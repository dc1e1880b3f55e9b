package soak_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"goop/host/control"
	"goop/shared/member"
	"goop/shared/wire"
)

const (
	crews    = 6
	perCrew  = 5
	short    = 16 * time.Second // of faults, when nobody asks for more
	diskSize = 64 << 20
	// insideJob is the environment variable of the process that runs in a mount namespace of its own.
	insideJob = "GOOP_SOAK_INSIDE"
	captain   = "mcaptain"
)

var noOptions member.SendOptions

// TestSoak runs everything. It begins itself again in a mount namespace, where it can have a small disk
// of its own, which it then fills up.
func TestSoak(t *testing.T) {
	if testing.Short() {
		t.Skip("takes half a minute")
	}
	if os.Getenv(insideJob) == "" {
		again(t)
		return
	}
	soak(t)
}

// again runs this test in a namespace.
func again(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	args := []string{"-test.run=^TestSoak$", "-test.v", fmt.Sprintf("-minutes=%g", *minutesFlag), fmt.Sprintf("-seed=%d", *seedFlag), "-test.timeout=0"}
	cmd := exec.CommandContext(t.Context(), self, args...)
	cmd.Env = append(os.Environ(), insideJob+"=1")
	cmd.Stdout, cmd.Stderr = t.Output(), t.Output()
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS, Pdeathsig: syscall.SIGKILL}
	if uid := os.Geteuid(); uid != 0 {
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: uid, Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}}
	}
	if err := cmd.Start(); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("a mount namespace is needed: %v", err)
		}
		t.Skipf("a mount namespace is needed: %v", err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("the run ended with %v", err)
	}
}

// smallDisk mounts a disk that this process alone sees.
func smallDisk(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		t.Fatalf("make the mounts private: %v", err)
	}
	if err := syscall.Mount("soak", dir, "tmpfs", 0, fmt.Sprintf("size=%d,mode=0700", diskSize)); err != nil {
		t.Fatalf("mount a small disk: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
	return dir
}

// run is one soak.
type run struct {
	t     *testing.T
	rng   *rand.Rand
	dir   string // for notes
	host  *host
	udp   *badUDP
	web   *cutTCP
	tcp   *cutTCP
	crews []*crewProcess
	me    *soaker // the site's owner, who is in all groups too

	victims []string // who may be thrown out, by name
	out     map[string]bool
	stops   int
	cuts    int
	fills   int
	bans    int
	pending sync.WaitGroup // faults that are still going on
}

func soak(t *testing.T) {
	seed := *seedFlag
	if seed == 0 {
		seed = rand.Uint64()
	}
	begun := time.Now()
	r := &run{t: t, rng: rand.New(rand.NewPCG(seed, 0)), dir: notesDir(t), out: map[string]bool{}}
	r.host = newHost(t, filepath.Join(smallDisk(t), "data"))
	defer func() {
		if r.host.cmd.ProcessState == nil {
			r.host.end(syscall.SIGKILL)
		}
		if t.Failed() {
			t.Logf("what the host has logged last:\n%s", r.host.tail())
		}
	}()
	up := time.Since(begun).Round(time.Millisecond)
	r.udp = openBadUDP(t, r.host.web, seed)
	defer r.udp.close()
	r.web, r.tcp = openCutTCP(t, r.host.web), openCutTCP(t, r.host.tcp)
	defer r.web.close()
	defer r.tcp.close()
	r.gather(seed)
	if t.Failed() {
		return
	}
	t.Logf("seed %d: the host was up after %v", seed, up)
	t.Logf("%d members are in after %v", crews*perCrew+1, time.Since(begun).Round(time.Millisecond))
	length := short
	if *minutesFlag > 0 {
		length = time.Duration(*minutesFlag * float64(time.Minute))
	}
	r.disturb(time.Now().Add(length))
	r.rest()
	if t.Failed() {
		return
	}
	r.judge(seed)
	t.Logf("everything took %v", time.Since(begun).Round(time.Second))
}

// notesDir is where members write. What a run that failed has written stays.
func notesDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "goop-soak-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the notes of all members are in %s", dir)
		} else {
			_ = os.RemoveAll(dir)
		}
	})
	return dir
}

// gather starts the crews and the captain, and waits until all are in.
func (r *run) gather(seed uint64) {
	t := r.t
	where := ways{UDP: r.udp.address(), Web: r.web.address(), TCP: r.tcp.address()}
	for i := range crews {
		c := &crew{Seed: seed + uint64(i)*1000, Dir: r.dir, Ways: where, Groups: groups, Pause: 350 * time.Millisecond}
		for j := range perCrew {
			c.Names = append(c.Names, fmt.Sprintf("m%d%d", i, j))
		}
		r.victims = append(r.victims, c.Names[0])
		r.crews = append(r.crews, startCrew(t, c))
	}
	var err error
	if r.me, err = newSoaker(&crew{Dir: r.dir, Ways: where, Groups: groups}, captain, transports[0], seed); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	if err := r.me.joined(ctx); err != nil {
		t.Fatal(err)
	}
	link, err := control.NewClient(r.host.data).OwnerLink(ctx)
	if err != nil || len(link.URLs) == 0 {
		t.Fatalf("no owner link: %v", err)
	}
	_, secret, _ := strings.Cut(link.URLs[0], "#goop-owner=")
	if _, err := r.me.m.Call(ctx, fmt.Appendf(nil, `{"op":"claim","secret":%q}`, secret)); err != nil {
		t.Fatalf("claim the site: %v", err)
	}
	for _, c := range r.crews {
		if _, err := c.answer(); err != nil {
			t.Errorf("the crew of %s did not get in: %v", c.names[0], err)
		}
	}
}

// rest ends all faults and all sending, and waits until everybody has come to rest.
func (r *run) rest() {
	t := r.t
	for _, c := range r.crews {
		if err := c.orders.Encode(order{Do: "quiet"}); err != nil {
			t.Errorf("the crew of %s: %v", c.names[0], err)
		}
	}
	for _, c := range r.crews {
		a, err := c.answer()
		if err != nil || a.Unanswered > 0 {
			t.Errorf("the crew of %s: %d messages were never answered, %v", c.names[0], a.Unanswered, err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	heads := map[string]head{}
	for _, room := range r.me.rooms { // an entry of its own is behind all others
		text := room.last()
		room.post(text, "", noOptions, nil)
		if n := r.me.quiet(ctx); n > 0 {
			t.Errorf("the captain's message to %s was not answered", room.group)
		}
		p := room.s.Position()
		heads[room.group] = head{string(p.Epoch), p.Seq, len(r.presentIn(room.group))}
	}
	for _, c := range r.crews {
		if err := c.orders.Encode(order{Do: "report", Heads: heads}); err != nil {
			t.Errorf("the crew of %s: %v", c.names[0], err)
		}
	}
	r.me.report(ctx, heads)
	for _, c := range r.crews {
		if _, err := c.answer(); err != nil {
			t.Errorf("the crew of %s: %v", c.names[0], err)
		}
	}
	r.host.end(syscall.SIGKILL) // no last words: what was acknowledged is on the disk all the same
	for _, c := range r.crews {
		_ = c.in.Close()
		if err := c.cmd.Wait(); err != nil {
			t.Errorf("the crew of %s ended with %v", c.names[0], err)
		}
	}
	if err := r.me.close(); err != nil {
		t.Errorf("the captain: %v", err)
	}
}

// last returns the captain's next message.
func (r *room) last() string {
	r.sent++
	return fmt.Sprintf(`{%q:%d}`, r.name, r.sent)
}

// presentIn names who has to be in a group at the end.
func (r *run) presentIn(group string) []string {
	names := []string{captain}
	for _, c := range r.crews {
		for _, name := range c.names {
			if group != "arena" || !r.out[name] {
				names = append(names, name)
			}
		}
	}
	return names
}

// judge holds everything that was written down against what is promised.
func (r *run) judge(seed uint64) {
	t := r.t
	e := &evidence{present: map[string][]string{}}
	var err error
	if e.host, err = r.host.logs(t.Context()); err != nil {
		t.Fatalf("the host's database: %v", err)
	}
	failures, reconnects := map[string]int{}, 0
	names := r.presentIn("")
	for _, name := range names {
		records, err := readNotes(filepath.Join(r.dir, name+".jsonl"))
		if err != nil {
			t.Fatal(err)
		}
		for i := range records {
			switch {
			case records[i].Kind == aFailure:
				failures[records[i].Code]++
			case records[i].Kind == aStatus && records[i].Code == "online":
				reconnects++
			}
		}
		e.members = append(e.members, testimony{name, records})
	}
	reconnects -= len(names)
	for _, group := range groups {
		e.present[group] = r.presentIn(group)
	}
	faults, tally := e.check()
	for _, f := range faults {
		t.Error(f)
	}
	if len(faults) > 0 {
		t.Errorf("%d promises were broken, with -seed=%d", len(faults), seed)
	}
	t.Logf("checked %d entries, seen %d times; %d receipts, %d folded states, %d resumes, %d joins, %d gaps (%d in logs that forget), %d rosters, %d bans, %d volatile",
		tally.entries, tally.sightings, tally.acks, tally.folds, tally.resumes, tally.joins, tally.gaps, tally.forgotten, tally.rosters, tally.kicks, tally.whispers)
	t.Logf("faults: %d kills, %d restarts, %d stops, %d cuts, %d full disks, %d links cut, %d packets dropped, %d repeated, %d delayed of %d; %d reconnects; refused: %v",
		r.host.kills, r.host.restarts, r.stops, r.cuts, r.fills, r.web.cuts.Load()+r.tcp.cuts.Load(),
		r.udp.dropped.Load(), r.udp.repeated.Load(), r.udp.delayed.Load(), r.udp.passed.Load(), reconnects, failures)
	for what, n := range map[string]int{
		"host was killed": r.host.kills, "process was stopped": r.stops, "link was cut": int(r.web.cuts.Load() + r.tcp.cuts.Load()),
		"packet was dropped": int(r.udp.dropped.Load()), "packet came twice": int(r.udp.repeated.Load()), "packet was held back": int(r.udp.delayed.Load()),
		"member connected again": reconnects, "session was resumed": tally.resumes, "member had a gap": tally.gaps, "member had missed more than a log keeps": tally.forgotten,
		"message was refused by a full disk": failures[string(wire.StorageFull)], "ifSeq was refused": failures[string(wire.Conflict)],
		"member was thrown out": r.bans, "message was acknowledged": tally.acks,
	} {
		if n <= 0 {
			t.Errorf("no %s, so this run has proved less than it should (-seed=%d)", what, seed)
		}
	}
}
