// Command pupils brings a class of native members into the session of a quiz, for the browser tests. It prints what
// happens as JSON, one object a line, and ends when its input does.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"goop/host/internal/class"
	"goop/host/node"
)

// transports are those that a host has without being asked for more.
var transports = []string{node.QUIC, node.WebTransport, node.WebSocket}

// patience is how long the pupils wait for the leaderboard that they are told of.
const patience = 20 * time.Second

func main() {
	page := flag.String("page", "", "the site's address")
	code := flag.String("code", "", "the session's code")
	n := flag.Int("n", 100, "how many pupils")
	flag.Parse()
	ctx, cancel := context.WithCancel(context.Background())
	boards := make(chan string)
	go func() {
		defer cancel()
		for in := bufio.NewScanner(os.Stdin); in.Scan(); {
			boards <- in.Text()
		}
	}()
	err := run(ctx, *page, *code, *n, boards)
	if ctx.Err() == nil { // else it is only that the input has ended
		log.Fatal(err)
	}
}

// run has n pupils answer all questions until ctx ends or something fails. Meanwhile each text of boards is a leaderboard, [[_id, points], …], that
// all of them should see.
func run(ctx context.Context, page, code string, n int, boards <-chan string) error {
	pupils := make([]*class.Pupil, n)
	if err := each(n, func(i int) (err error) {
		if pupils[i], err = class.Connect(page, transports[i%len(transports)]); err != nil {
			return err
		}
		return pupils[i].Enter(ctx, code, fmt.Sprintf("pupil %03d", i+1))
	}); err != nil {
		return err
	}
	say(map[string]any{"joined": n})
	go func() {
		for want := range boards {
			compare(ctx, pupils, want)
		}
	}()
	for number := 1; ; number++ {
		var refused, early atomic.Int64
		questions := make([]class.Question, n)
		if err := each(n, func(i int) (err error) {
			if questions[i], err = pupils[i].Asked(ctx, number); err != nil {
				return err
			}
			if pupils[i].Answer(ctx, questions[i], (i+number)%len(questions[i].Choices)) != nil {
				refused.Add(1)
			}
			if pupils[i].Heard.Has(`"right"`) {
				early.Add(1)
			}
			return nil
		}); err != nil {
			return err
		}
		say(map[string]any{"question": number, "answered": int64(n) - refused.Load(), "refused": refused.Load(), "early": early.Load()})
		if err := each(n, func(i int) error {
			_, err := pupils[i].Revealed(ctx, questions[i])
			pupils[i].Heard.Forget() // from here on it is about the next question
			return err
		}); err != nil {
			return err
		}
		say(map[string]any{"revealed": number})
	}
}

// compare tells how many pupils come to see that leaderboard.
func compare(ctx context.Context, pupils []*class.Pupil, want string) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var same atomic.Int64
	each(len(pupils), func(i int) error {
		_, err := pupils[i].Board(ctx, func(places []class.Place) bool {
			have := make([][2]int64, len(places))
			for i, p := range places {
				have[i] = [2]int64{p.ID, p.Points}
			}
			text, _ := json.Marshal(have)
			return string(text) == want
		})
		if err == nil {
			same.Add(1)
		}
		return nil
	})
	say(map[string]any{"same": same.Load()})
}

// each does something for all at once, and returns the first error.
func each(n int, do func(i int) error) error {
	var wg sync.WaitGroup
	errs := make(chan error, n)
	for i := range n {
		wg.Go(func() {
			if err := do(i); err != nil {
				errs <- err
			}
		})
	}
	wg.Wait()
	close(errs)
	return <-errs
}

func say(v map[string]any) {
	line, err := json.Marshal(v)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(string(line))
}
