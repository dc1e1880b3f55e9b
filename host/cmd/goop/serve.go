package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"path/filepath"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"goop/host/announce"
	"goop/host/control"
	"goop/host/node"
	"goop/host/store"
	"goop/host/templates"
	"goop/shared/data"
)

// stopTime is how long the members have to take in that the host ends. What comes after that waits for
// nobody, and the whole must not take more than 5 s.
const stopTime = 4 * time.Second

// maxName is the length of a host's name in characters, as in goop.json.
const maxName = 100

// options say what to serve, and where.
type options struct {
	site      string // the site's folder, or the name of a built-in site; "" for the default one
	listen    string
	listenTCP string
	data      string
	name      string   // "" for the one in goop.json
	public    *url.URL // the address under which visitors know the host; nil for none
	door      *url.URL // where the host announces itself; nil for nowhere
	log       *slog.Logger

	https  httpsOptions
	limits limits

	routerPort uint16 // the UDP port that a router forwards to the host; 0 for none

	backupEvery time.Duration // 0 for no backups by themselves
	backupKeep  int
	backupDir   string // "" for the one in the data folder

	qr qrWhen // of the address for somebody else

	metrics      string // the address of the metrics, or noMetrics
	metricsAsked bool   // by the operator
}

func serveCommand() *cobra.Command {
	o := options{limits: defaultLimits(), qr: qrAuto}
	cmd := &cobra.Command{
		Use:   "serve [SITE-DIR | " + strings.Join(templates.Names(), " | ") + "]",
		Short: "Serve a site until Ctrl-C",
		Long: "Serve the site in the folder SITE-DIR, or a built-in one under its name, until Ctrl-C. Without either it\n" +
			"is " + templates.Default + ". A folder with the name of a built-in site is meant by a path, such as ./" + templates.Default + ".\n\n" +
			"All that must not be lost lies in the data folder: the host's identity, the site's data, its groups.",
		Annotations: map[string]string{
			afterFlags: "What --limit can set, and what holds without it (docs/limits.md says more):\n\n" + o.limits.help(),
		},
		Example: "  goop serve\n  goop serve my-site --listen :8080 --data my-data\n  goop serve quiz --domain quiz.example.org",
	}
	f := cmd.Flags()
	f.StringVar(&o.listen, "listen", ":7780", "`address` for TCP (HTTP, WebSocket) and UDP (QUIC, WebTransport); port 0 takes a free one; with --domain it is :443")
	f.StringVar(&o.listenTCP, "listen-tcp", "", "`address` for native libp2p over TCP; none without it")
	f.StringVar(&o.name, "name", "", "the host's `name` for people; without it the one in goop.json")
	https := httpsFlags(cmd, &o.https, &o.listen)
	public := f.String("public-url", "", "the `address` under which visitors know the host, such as https://chess.example.org")
	f.Var(&o.qr, "qr", "whether to print the address for others as a QR code: auto (into a terminal), always or never")
	at := f.String("door", "", "the `address` of a door, such as https://door.example, at which browsers find the host; it is told where the host is, and docs/door.md says what it knows")
	f.Uint16Var(&o.routerPort, "router-port", 0, "with --door: the UDP `port` that the router forwards to this host's; visitors from everywhere are then sent to the router's address, as the door sees it")
	f.StringVar(&o.metrics, "metrics", defaultMetrics, "`address` for Prometheus, or off; without the flag the host also runs when that address is taken")
	f.Var(&o.limits, "limit", "another `name=value` than a limit has, such as payload=32KiB, idle=5m or members=500; may be given again")
	f.DurationVar(&o.backupEvery, "backup-every", 24*time.Hour, "the `time` between these backups; 0 for none")
	f.IntVar(&o.backupKeep, "backup-keep", 7, "how many of these backups are kept; older ones are removed")
	f.StringVar(&o.backupDir, "backup-dir", "", "the `folder` for the backups that the host makes by itself; without it the folder "+store.BackupFolderName+" in the data folder")
	format := f.String("log", "text", "how to log: text or json")
	level := f.String("log-level", "info", "what to log: debug, info, warn or error")
	data := dataFlag(cmd)
	cmd.PreRunE = func(cmd *cobra.Command, args []string) (err error) {
		if len(args) > 0 {
			o.site = args[0]
		}
		o.data = *data
		if utf8.RuneCountInString(o.name) > maxName || strings.ContainsFunc(o.name, unicode.IsControl) {
			return fmt.Errorf("--name is at most %d characters on one line", maxName)
		}
		if o.metricsAsked = cmd.Flags().Changed("metrics"); o.metricsAsked {
			if err := checkMetrics(o.metrics); err != nil {
				return err
			}
		}
		if o.backupEvery != 0 && o.backupEvery < time.Minute {
			return fmt.Errorf("--backup-every is 1m or more, or 0 for no backups")
		}
		if o.backupKeep < 1 {
			return fmt.Errorf("--backup-keep is 1 or more (--backup-every 0 makes none)")
		}
		if err := o.limits.check(); err != nil {
			return err
		}
		o.limits.share()
		if o.public, err = parsePublic(*public); err != nil {
			return err
		}
		if err := https(); err != nil {
			return err
		}
		for _, l := range []struct{ flag, address string }{{"--listen", o.listen}, {"--listen-tcp", o.listenTCP}, {"--listen-http", o.https.listenHTTP}} {
			if l.address == "" && l.flag != "--listen" {
				continue
			}
			if err := node.CheckListen(l.flag, l.address); err != nil {
				return err
			}
		}
		if f.Changed("door") {
			if o.door, err = announce.ParseDoor("--door", *at); err != nil {
				return err
			}
		}
		switch {
		case !f.Changed("router-port"):
		case o.routerPort == 0:
			return errors.New("--router-port is a UDP port of the router, between 1 and 65535")
		case o.door == nil:
			return errors.New("--router-port goes with --door: it is the door that sends visitors there")
		}
		o.log, err = logger(cmd.ErrOrStderr(), *format, *level)
		return err
	}
	cmd.RunE = do(func(cmd *cobra.Command, _ []string) error { return serve(cmd.Context(), o, cmd.OutOrStdout()) })
	return cmd
}

// serve runs a host until ctx ends.
func serve(ctx context.Context, o options, out io.Writer) error {
	h, err := start(ctx, o)
	if err == nil {
		h.awaitDoor(ctx)
		err = greet(context.WithoutCancel(ctx), h, o, out) // a host that is up says so, however soon it ends
	}
	if err == nil {
		<-ctx.Done()
		o.log.Info("the host ends", "cause", context.Cause(ctx))
	} else if ctx.Err() != nil {
		err = nil // it was asked to end before it was up
	}
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTime)
	defer cancel()
	return errors.Join(err, h.stop(stopping))
}

// greet tells the operator what there is.
func greet(ctx context.Context, h *running, o options, out io.Writer) error {
	links := h.links()
	var b strings.Builder
	list := func(label string, lines ...string) {
		for _, l := range lines {
			fmt.Fprintf(&b, "  %-11s %s\n", label, l)
			label = ""
		}
	}
	folder, err := filepath.Abs(o.data)
	if err != nil {
		return fmt.Errorf("find the data folder: %w", err)
	}
	fmt.Fprintf(&b, "%s is up.\n\n", h.name)
	list("Page", linkLines(links)...)
	list("Site", h.folder.what)
	owners, err := h.Owners(ctx)
	if err != nil {
		return err
	}
	if len(owners) == 0 {
		link, err := h.OwnerLink(ctx)
		if err != nil {
			return err
		}
		list("Owner link", link.URLs[0], "(the browser that opens it owns this host; good once, until "+when(link.Expires)+")")
	} else {
		list("Owner link", "goop owner-link --data "+o.data+" makes one")
	}
	for _, c := range h.certificates() {
		list("Certificate", certificateLine(c))
	}
	if h.known != nil {
		list("Door", atDoor(asDoor(h.known.Status()), time.Now().UnixMilli()))
	}
	list("Data", folder)
	if h.scrapes != nil {
		list("Metrics", h.scrapes.URL())
	}
	b.WriteString("\n")
	if _, err := io.WriteString(out, b.String()); err != nil {
		return err
	}
	for _, l := range links {
		if l.HandOut {
			if err := printQR(out, o.qr, l.URL, l.URL+" ("+l.Network+"), for others to come in"); err != nil {
				return err
			}
		}
	}
	_, err = io.WriteString(out, "Ctrl-C ends it.\n")
	return err
}

// linkLines puts what people know of a link's network behind it. An only one that is local needs no explanation.
func linkLines(links []data.Link) []string {
	width := 0
	for _, l := range links {
		width = max(width, len(l.URL))
	}
	lines := make([]string, len(links))
	for i, l := range links {
		if lines[i] = l.URL; len(links) > 1 || l.Kind != data.LinkLocal {
			lines[i] = fmt.Sprintf("%-*s  %s", width, l.URL, l.Network)
		}
	}
	return lines
}

// parsePublic reads --public-url.
func parsePublic(s string) (*url.URL, error) {
	if s == "" {
		return nil, nil
	}
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil ||
		strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("--public-url %q is not an address such as https://chess.example.org", s)
	}
	u.Path = "/"
	return u, nil
}

// logger returns the log of --log and --log-level.
func logger(out io.Writer, format, level string) (*slog.Logger, error) {
	var l slog.Level
	switch level {
	case "debug":
		l = slog.LevelDebug
	case "info":
		l = slog.LevelInfo
	case "warn":
		l = slog.LevelWarn
	case "error":
		l = slog.LevelError
	default:
		return nil, fmt.Errorf("--log-level %q is not debug, info, warn or error", level)
	}
	switch format {
	case "text":
		return slog.New(slog.NewTextHandler(out, &slog.HandlerOptions{Level: l})), nil
	case "json":
		return slog.New(slog.NewJSONHandler(out, &slog.HandlerOptions{Level: l})), nil
	}
	return nil, fmt.Errorf("--log %q is not text or json", format)
}

var _ control.Host = (*running)(nil)
