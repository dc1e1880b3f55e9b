package node_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"goop/host/node"
	"goop/shared/link"
	"goop/shared/wire"
)

const (
	classSize  = 200
	classStays = 3 * time.Second // for which the class talks once all are in
	classJob   = "GOOP_TEST_CLASS"
)

// class is the job of the process that plays the members.
type class struct {
	Transport string
	Size      int
	Desc      []byte // the descriptor
}

// classReport is what it prints.
type classReport struct {
	Connected time.Duration // until all had their echo
	Retries   int64
	Rounds    int64 // of the echo, all members together
	Errors    []string
}

// TestClass connects 200 members at once from one address that is not the host's own: they live in a
// network namespace, with a cable of two virtual devices between. go-libp2p's own limits let 16 of
// them in, and then one every 5 s.
func TestClass(t *testing.T) {
	if job := os.Getenv(classJob); job != "" {
		playClass(t, job)
		return
	}
	ns, addr := namespace(t)
	for _, tr := range []string{node.WebTransport, node.WebSocket} {
		t.Run(tr, func(t *testing.T) {
			var (
				mu        sync.Mutex
				peers     = map[wire.PeerID]bool{}
				now, most int
			)
			n := openHost(t, node.Options{Listen: addr + ":0"}, func(n *node.Node) {
				n.Handle("/goop/test-class/1.0.0", func(ctx context.Context, p wire.PeerID, s link.Stream) {
					mu.Lock()
					peers[p] = true
					now++
					most = max(most, now)
					mu.Unlock()
					echo(ctx, p, s)
					mu.Lock()
					now--
					mu.Unlock()
				})
			})
			desc := n.Descriptor("", false)
			job, err := json.Marshal(class{Transport: tr, Size: classSize, Desc: desc.Append(nil)})
			if err != nil {
				t.Fatal(err)
			}
			cmd := exec.CommandContext(t.Context(), "ip", "netns", "exec", ns, os.Args[0], "-test.run=^TestClass$", "-test.v")
			cmd.Env = append(os.Environ(), classJob+"="+string(job))
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Fatalf("the class: %v\n%s", err, out)
			}
			var r classReport
			for line := range strings.Lines(string(out)) {
				if text, ok := strings.CutPrefix(line, classJob); ok {
					if err := json.Unmarshal([]byte(text), &r); err != nil {
						t.Fatal(err)
					}
				}
			}
			mu.Lock()
			defer mu.Unlock()
			t.Logf("%d members over %s: all in after %v with %d retries; %d echoes in %v", len(peers), tr, r.Connected.Round(time.Millisecond), r.Retries, r.Rounds, classStays)
			if len(r.Errors) > 0 {
				t.Errorf("%d members failed, the first: %s", len(r.Errors), r.Errors[0])
			}
			if len(peers) != classSize || most != classSize {
				t.Errorf("the host saw %d peers, %d at once, want %d", len(peers), most, classSize)
			}
			if r.Rounds < 2*classSize {
				t.Errorf("%d echoes, want each member to have had some", r.Rounds)
			}
		})
	}
}

// namespace makes a network namespace with a cable to it, and returns its name and this side's address.
func namespace(t *testing.T) (ns, addr string) {
	t.Helper()
	// A run that is to prove something must not pass over this silently.
	skip := t.Skipf
	if os.Getenv("CI") != "" {
		skip = t.Fatalf
	}
	if os.Getuid() != 0 {
		skip("needs root to make a network namespace")
	}
	if _, err := exec.LookPath("ip"); err != nil {
		skip("needs the ip command (package iproute2) to make a network namespace")
	}
	ip := func(args ...string) {
		t.Helper()
		out, err := exec.Command("ip", args...).CombinedOutput()
		switch {
		case err == nil:
		case strings.Contains(string(out), "not permitted"):
			skip("root may not make network namespaces here: %s", out)
		default:
			t.Fatalf("ip %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
	pid := os.Getpid()
	ns = fmt.Sprintf("goop-%d", pid)
	near, far := fmt.Sprintf("gp%da", pid), fmt.Sprintf("gp%db", pid)
	net := fmt.Sprintf("198.18.%d.", pid%256) // for tests of networks (RFC 2544)
	ip("netns", "add", ns)
	t.Cleanup(func() {
		if out, err := exec.Command("ip", "netns", "delete", ns).CombinedOutput(); err != nil { // takes the cable with it
			t.Errorf("remove the namespace: %v\n%s", err, out)
		}
	})
	ip("link", "add", near, "type", "veth", "peer", "name", far, "netns", ns)
	ip("addr", "add", net+"1/30", "dev", near)
	ip("link", "set", near, "up")
	ip("-n", ns, "addr", "add", net+"2/30", "dev", far)
	ip("-n", ns, "link", "set", far, "up")
	ip("-n", ns, "link", "set", "lo", "up")
	return ns, net + "1"
}

// playClass is the other process: all members dial at once, try again as members do, and talk.
func playClass(t *testing.T, text string) {
	var job class
	if err := json.Unmarshal([]byte(text), &job); err != nil {
		t.Fatal(err)
	}
	desc, err := wire.ParseDescriptor(job.Desc)
	if err != nil {
		t.Fatal(err)
	}
	ctx := testContext(t)
	var (
		r       classReport
		retries atomic.Int64
		rounds  atomic.Int64
		in      sync.WaitGroup // those that are not in yet
		all     sync.WaitGroup
		mu      sync.Mutex
	)
	start := time.Now()
	in.Add(job.Size)
	talkUntil := make(chan time.Time, job.Size)
	for range job.Size {
		all.Go(func() {
			arrived := sync.OnceFunc(in.Done)
			defer arrived()
			if err := playMember(ctx, desc, job.Transport, &retries, &rounds, arrived, talkUntil); err != nil {
				mu.Lock()
				defer mu.Unlock()
				r.Errors = append(r.Errors, err.Error())
			}
		})
	}
	in.Wait()
	r.Connected = time.Since(start)
	for range job.Size {
		talkUntil <- time.Now().Add(classStays)
	}
	all.Wait()
	r.Retries, r.Rounds = retries.Load(), rounds.Load()
	b, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Printf("\n%s%s\n", classJob, b)
}

// playMember dials until it is in, and then talks until told, on one connection and one stream.
func playMember(ctx context.Context, desc wire.Descriptor, transport string, retries, rounds *atomic.Int64, arrived func(), talkUntil <-chan time.Time) error {
	d, err := node.NewDialer(node.DialerOptions{Descriptor: always(desc), Transport: transport})
	if err != nil {
		return err
	}
	defer d.Close()
	for {
		err := func() error {
			c, err := d.Dial(ctx)
			if err != nil {
				return err
			}
			defer c.Close()
			s, err := c.Open(ctx, "/goop/test-class/1.0.0")
			if err != nil {
				return err
			}
			defer s.Close()
			r := bufio.NewReader(s)
			say := func() error {
				if _, err := io.WriteString(s, "here\n"); err != nil {
					return err
				}
				if line, err := r.ReadString('\n'); err != nil || line != "here\n" {
					return fmt.Errorf("echo: got %q, %w", line, err)
				}
				rounds.Add(1)
				return nil
			}
			if err := say(); err != nil {
				return err
			}
			arrived()
			// From here on a failure is final: this connection has to last.
			until := <-talkUntil
			tick := time.NewTicker(250 * time.Millisecond)
			defer tick.Stop()
			for time.Now().Before(until) {
				if err := say(); err != nil {
					return errors.Join(errLost, err)
				}
				select {
				case <-tick.C:
				case <-c.Done():
					return errLost
				}
			}
			return nil
		}()
		if err == nil || errors.Is(err, errLost) {
			return err
		}
		retries.Add(1)
		select {
		case <-time.After(rand.N(time.Second)):
		case <-ctx.Done():
			return fmt.Errorf("never got in, at last: %w", err)
		}
	}
}

var errLost = errors.New("the connection was lost")
