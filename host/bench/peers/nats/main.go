// Command nats is the nats-server beside which `./build.sh bench` measures Goop: the server as a Go library, with
// its own settings but for a WebSocket listener without TLS. Whoever subscribes to a subject with echo off gets what
// all others publish on it.
//
// It says on a line where it can be asked: GET /address has the URL of the WebSocket listener, and GET /heap the
// bytes of its heap after a collection.
package main

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"runtime"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	s, err := server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT, NoLog: true, NoSigs: true,
		Websocket: server.WebsocketOpts{Host: "127.0.0.1", Port: server.RANDOM_PORT, NoTLS: true},
	})
	if err != nil {
		return err
	}
	s.Start()
	if !s.ReadyForConnections(10 * time.Second) {
		return errors.New("the server did not come up")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Printf("Page http://%s/\n", l.Addr())
	http.HandleFunc("GET /address", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, s.WebsocketURL()) })
	http.HandleFunc("GET /heap", heap)
	return http.Serve(l, nil)
}

func heap(w http.ResponseWriter, _ *http.Request) {
	runtime.GC()
	runtime.GC() // what the first has put into pools
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	fmt.Fprint(w, stats.HeapAlloc)
}
