// Package control is how the goop command talks to a host that runs on the same machine: small JSON
// requests over HTTP, on a Unix domain socket in the host's data folder. Whoever may open the socket
// (mode 0600, in a folder of mode 0700) is the host's operator; there is no other check.
//
// The package knows the socket and the shapes of requests and answers. What they do is behind Host,
// which package main implements; it must not know store, node or relay.
//
// # Concurrency
//
// A Server serves from goroutines of its own, for which Close waits. A Client may be used from many
// goroutines.
package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"goop/shared/wire"
)

// Bounds of one request. The far side is the operator, so they are against accidents alone.
const (
	maxHeader   = 16 << 10
	maxBody     = 64 << 10
	requestTime = 10 * time.Second
)

// Host is what can be asked of the running host.
type Host interface {
	// OwnerLink makes a new owner link and returns it once for each address of the host.
	OwnerLink(ctx context.Context) (OwnerLink, error)
	Owners(ctx context.Context) ([]Owner, error)
	// RemoveOwner returns an error with code not_found for a peer that is no owner.
	RemoveOwner(ctx context.Context, peer wire.PeerID) error
	Status(ctx context.Context) (Status, error)

	// The following return an error with code no_such_group for a group that is not there.

	Groups(ctx context.Context) ([]Group, error)
	Group(ctx context.Context, id wire.GroupID) (GroupDetail, error)
	CloseGroup(ctx context.Context, id wire.GroupID) error
	Invite(ctx context.Context, id wire.GroupID, q InviteRequest) (Invite, error)
	Revoke(ctx context.Context, id wire.GroupID, invite string) error
	// ActOnPeer returns the whole id of the peer.
	ActOnPeer(ctx context.Context, id wire.GroupID, action PeerAction, q PeerRequest) (wire.PeerID, error)
	// TailGroup returns up to n entries of a group's log after a position, oldest first, and the position
	// to go on from; none when there are none yet. A position below zero is n entries before the end.
	TailGroup(ctx context.Context, id wire.GroupID, after int64, n int) (entries []Entry, next int64, err error)

	// Backup writes a backup and returns when it is there and sound. It may take long.
	Backup(ctx context.Context, q BackupRequest) (Backup, error)
	// Counters returns what the relay and the store have counted; what the process knows is added by others.
	Counters(ctx context.Context) (Counters, error)
	Data
}

// OwnerLink is one secret, in links for each of the host's addresses.
type OwnerLink struct {
	URLs    []string `json:"urls"`
	Expires int64    `json:"expires"` // milliseconds
}

// Owner is a peer that owns the site.
type Owner struct {
	Peer  wire.PeerID `json:"peer"`
	Since int64       `json:"since"` // milliseconds
}

// Status tells what the host is and what it does at the moment.
type Status struct {
	Version string      `json:"version"`
	PID     int         `json:"pid"`
	Peer    wire.PeerID `json:"peer"`
	Name    string      `json:"name"`
	Site    string      `json:"site"` // which one it is, for people
	URLs    []string    `json:"urls"`
	Links   []Link      `json:"links"`             // the same with their networks
	Metrics string      `json:"metrics,omitempty"` // where they are read
	Door    *Door       `json:"door,omitempty"`    // at which the host announces itself; nil for none
	Started int64       `json:"started"`           // milliseconds
	Now     int64       `json:"now"`               // milliseconds, by the host's clock

	Certificates []Certificate `json:"certificates,omitempty"` // with which it ends TLS; nil for none

	Peers       int `json:"peers"`       // connected members, each counted once whatever its pages
	Connections int `json:"connections"` // of members; each page that is open has one
	Groups      int `json:"groups"`      // open
	Members     int `json:"members"`     // of all groups together
	Sessions    int `json:"sessions"`    // of all groups together
	Owners      int `json:"owners"`

	Backup *Schedule `json:"backup,omitempty"` // nil when none are made on a schedule

	Rate   float64          `json:"rate"`   // entries a second, of all groups, over the last minute
	Limits map[string]int64 `json:"limits"` // by the names of --limit: sizes in bytes, times in milliseconds
}

// Certificate tells how one of the host's certificates is.
type Certificate struct {
	Names   []string `json:"names"`
	Expires int64    `json:"expires,omitempty"` // in milliseconds; 0 while there is none
	Problem string   `json:"problem,omitempty"` // why there is none or no new one, and what to do
}

// Link is an address of the first page, as data.Link.
type Link struct {
	URL     string `json:"url"`
	Kind    string `json:"kind"`
	Network string `json:"network"`
	Secure  bool   `json:"secure"`
	HandOut bool   `json:"handOut,omitempty"`
}

// Door tells how the host is known at a door.
type Door struct {
	URL     string `json:"url"`
	Page    string `json:"page"`              // the host's address there
	Last    int64  `json:"last,omitempty"`    // when the door took the last announcement, in milliseconds; 0 for never
	Reach   string `json:"reach,omitempty"`   // whom it brings: "everybody", "own network" or "nobody"
	Problem string `json:"problem,omitempty"` // why the one after it was not taken, and what to do

	// Router is the address in it whose UDP port a router forwards, as --router-port says; Unrouted is why there is
	// none with that flag.
	Router   string `json:"router,omitempty"`
	Unrouted string `json:"unrouted,omitempty"`
}

// Server answers on the socket of one data folder.
type Server struct {
	host   Host
	log    *slog.Logger
	http   *http.Server
	socket *socket
	ctx    context.Context // ends with Close, and with it the answers that would not end by themselves
	cancel context.CancelFunc
	wg     sync.WaitGroup
	once   sync.Once
	err    error
}

// Listen starts to answer on the socket of the data folder dir. The caller holds the folder's lock, so
// a socket that is there already is left over from a host that was killed, and is replaced.
func Listen(dir string, host Host, log *slog.Logger) (*Server, error) {
	sock, err := listen(dir)
	if err != nil {
		return nil, fmt.Errorf("open the control socket: %w", err)
	}
	s := &Server{host: host, log: log, socket: sock}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	mux := http.NewServeMux()
	mux.HandleFunc("POST /owner-link", answer(s, func(r *http.Request) (any, error) { return host.OwnerLink(r.Context()) }))
	mux.HandleFunc("GET /owners", answer(s, s.owners))
	mux.HandleFunc("DELETE /owners/{peer}", answer(s, func(r *http.Request) (any, error) {
		return struct{}{}, host.RemoveOwner(r.Context(), wire.PeerID(r.PathValue("peer")))
	}))
	mux.HandleFunc("GET /groups", answer(s, func(r *http.Request) (any, error) { return host.Groups(r.Context()) }))
	mux.HandleFunc("GET /group", answer(s, func(r *http.Request) (any, error) {
		return host.Group(r.Context(), groupOf(r))
	}))
	mux.HandleFunc("DELETE /group", answer(s, func(r *http.Request) (any, error) {
		return struct{}{}, host.CloseGroup(r.Context(), groupOf(r))
	}))
	mux.HandleFunc("GET /group/log", s.tail)
	s.people(mux)
	s.data(mux)
	s.measure(mux)
	mux.HandleFunc("GET /status", answer(s, func(r *http.Request) (any, error) { return host.Status(r.Context()) }))
	s.http = &http.Server{
		Handler:           mux,
		ReadHeaderTimeout: requestTime,
		ReadTimeout:       requestTime,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	s.wg.Go(func() {
		if err := s.http.Serve(sock.Listener); !errors.Is(err, http.ErrServerClosed) {
			log.Error("the control socket does not answer any more", "error", err)
		}
	})
	return s, nil
}

// Close lets the requests under way finish for as long as ctx allows, and removes the socket. A second
// call returns what the first did.
func (s *Server) Close(ctx context.Context) error {
	s.once.Do(func() {
		s.cancel()
		if err := s.http.Shutdown(ctx); err != nil {
			s.err = errors.Join(fmt.Errorf("finish the requests on the control socket: %w", err), s.http.Close())
		}
		s.wg.Wait()
		s.err = errors.Join(s.err, s.socket.remove())
	})
	return s.err
}

// groupOf returns the group that a request is about. Its id is not in the path, for it may be "..".
func groupOf(r *http.Request) wire.GroupID { return wire.GroupID(r.FormValue("id")) }

func (s *Server) owners(r *http.Request) (any, error) {
	list, err := s.host.Owners(r.Context())
	if list == nil {
		list = []Owner{}
	}
	return list, err
}

// failure is the body of an answer that says no.
type failure struct {
	Code    wire.Code `json:"code"`
	Message string    `json:"message"`
}

// told returns an error as it may be told. What has no code is logged.
func (s *Server) told(r *http.Request, err error) *failure {
	if e, ok := errors.AsType[*wire.Error](err); ok {
		return &failure{e.Code, e.Message}
	}
	s.log.Error("a request on the control socket", "path", r.URL.Path, "error", err)
	return &failure{wire.Internal, "the host has a fault; its log has the details"}
}

// answer turns a function into a handler that answers with its result as JSON.
func answer(s *Server, fn func(*http.Request) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		ctx, cancel := context.WithTimeout(r.Context(), requestTime)
		defer cancel()
		result, err := fn(r.WithContext(ctx))
		s.reply(w, r, result, err)
	}
}

// long is answer for what may take as long as it likes. It ends when nobody waits for it any more, and with
// the host. size bounds the request's body, in bytes.
func long(s *Server, size int64, fn func(*http.Request) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, size)
		r, done := s.lasting(w, r)
		defer done()
		result, err := fn(r)
		s.reply(w, r, result, err)
	}
}

// lasting returns the request without its deadline.
func (s *Server) lasting(w http.ResponseWriter, r *http.Request) (_ *http.Request, done func()) {
	conn := http.NewResponseController(w)
	_ = conn.SetReadDeadline(time.Time{}) // it would end the context too
	ctx, cancel := context.WithCancelCause(r.Context())
	stop := context.AfterFunc(s.ctx, func() {
		cancel(wire.E(wire.Closed, "the host is going down"))
		_ = conn.SetReadDeadline(time.Now()) // for who waits for a body
	})
	return r.WithContext(ctx), func() {
		stop()
		cancel(nil)
	}
}

// reply answers with a result, or with what went wrong.
func (s *Server) reply(w http.ResponseWriter, r *http.Request, result any, err error) {
	status := http.StatusOK
	if err != nil {
		f := s.told(r, err)
		if status = http.StatusConflict; f.Code == wire.Internal {
			status = http.StatusInternalServerError
		}
		result = f
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(result); err != nil {
		s.log.Debug("an answer on the control socket was not read", "error", err)
	}
}

// socket is a listening socket and the files that lead to it.
type socket struct {
	net.Listener
	files []string
}
