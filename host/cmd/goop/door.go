package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"goop/host/cert"
	"goop/host/door"
	"goop/host/node"
	"goop/host/proxy"
	"goop/host/store"
	"goop/js"
)

// doorStopTime is how long requests under way may take when a door ends.
const doorStopTime = 4 * time.Second

type doorOptions struct {
	listen  string
	host    string
	data    string
	trusted []netip.Prefix
	behind  bool // a proxy that the operator has named
	cert    string
	key     string
	log     *slog.Logger
}

func doorCommand() *cobra.Command {
	var o doorOptions
	cmd := &cobra.Command{
		Use:   "door",
		Short: "Be a door: help browsers find hosts that have no domain",
		Long: "Be a door until Ctrl-C: one https origin with a name of its own for each host that announces itself to it\n" +
			"(goop serve --door URL). Browsers that open such a name connect to the host by themselves; the door sees\n" +
			"neither pages nor data. docs/door.md says what it needs: a domain with a wildcard, *.door.example, and a\n" +
			"certificate for both.",
		Example: "  goop door --host door.example --listen :443 --tls-cert door.pem --tls-key door.key\n" +
			"  goop door --host door.example --listen 127.0.0.1:7790 --trusted-proxy 127.0.0.1\n" +
			"  goop door --host localhost",
	}
	f := cmd.Flags()
	f.StringVar(&o.listen, "listen", ":7790", "`address` for HTTP, or for HTTPS with --tls-cert; port 0 takes a free one")
	f.StringVar(&o.host, "host", "", "the door's own `name`, without https://; each host has one below it")
	f.StringVar(&o.data, "data", "./goop-door-data", "the `folder` in which the door remembers hosts")
	f.StringVar(&o.cert, "tls-cert", "", "PEM `file` with a certificate for the name and for all below it, to serve https; read again when it changes")
	f.StringVar(&o.key, "tls-key", "", "PEM `file` with its key")
	proxies := f.StringSlice("trusted-proxy", []string{"127.0.0.0/8", "::1"}, "`address` or net of a reverse proxy whose X-Forwarded-For is believed; may be given again")
	format := f.String("log", "text", "how to log: text or json")
	level := f.String("log-level", "info", "what to log: debug, info, warn or error")
	cmd.PreRunE = func(cmd *cobra.Command, _ []string) (err error) {
		if o.host, err = parseDoorHost(o.host); err != nil {
			return err
		}
		if err = node.CheckListen("--listen", o.listen); err != nil {
			return err
		}
		if o.trusted, err = proxy.ParseTrusted("--trusted-proxy", *proxies); err != nil {
			return err
		}
		if (o.cert == "") != (o.key == "") {
			return errors.New("--tls-cert and --tls-key belong together")
		}
		o.behind = cmd.Flags().Changed("trusted-proxy")
		o.log, err = logger(cmd.ErrOrStderr(), *format, *level)
		return err
	}
	cmd.RunE = do(func(cmd *cobra.Command, _ []string) error { return beDoor(cmd.Context(), o, cmd.OutOrStdout()) })
	return cmd
}

// parseDoorHost reads --host: a name, with a port perhaps.
func parseDoorHost(s string) (string, error) {
	if s == "" {
		return "", errors.New("--host is missing: the door's own name, such as door.example (localhost is for trying)")
	}
	s = strings.ToLower(s)
	name, port, err := net.SplitHostPort(s)
	if err != nil {
		name, port = s, ""
	}
	if n, err := strconv.Atoi(port); !cert.IsName(name) || port != "" && (err != nil || n < 1 || n > 65535) {
		return "", fmt.Errorf("--host %q is not a name such as door.example (an address does not do: each host has a name below it; localhost is for trying)", s)
	}
	return s, nil
}

// beDoor runs a door until ctx ends.
func beDoor(ctx context.Context, o doorOptions, out io.Writer) (err error) {
	if err := os.MkdirAll(o.data, 0o700); err != nil {
		return fmt.Errorf("data folder %s: %w", o.data, cause(err))
	}
	lock, err := store.LockFolder(o.data)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	d, err := door.Open(door.Options{Host: o.host, Trusted: o.trusted, Files: js.Door, Dir: o.data, Log: o.log})
	if err != nil {
		return fmt.Errorf("data folder %s: %w", o.data, cause(err))
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	config, err := doorTLS(o)
	if err != nil {
		return err
	}
	s, err := d.Listen(ctx, o.listen, config)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", o.listen, cause(err))
	}
	origin := doorOrigin(o, s.Addr())
	known, here := d.Hosts()
	o.log.Info("the door is open", "origin", origin, "version", versionText(), "known", known, "here", here)
	_, err = fmt.Fprintf(out, "The door is open.\n\n  Page    %s/\n  Listens %s\n  Hosts   %s known, %d here now\n\nHosts come with: goop serve --door %s\nCtrl-C ends it.\n",
		origin, s.Addr(), strconv.Itoa(known), here, origin)
	if err == nil {
		<-ctx.Done()
	}
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), doorStopTime)
	defer cancel()
	return errors.Join(err, s.Close(stopping))
}

// doorTLS returns the certificate of --tls-cert, nil for none.
func doorTLS(o doorOptions) (*tls.Config, error) {
	if o.cert == "" {
		return nil, nil
	}
	files, err := cert.OpenFiles(o.cert, o.key, o.log)
	if err != nil {
		return nil, err
	}
	name, _, err := net.SplitHostPort(o.host)
	if err != nil {
		name = o.host
	}
	for _, want := range []string{name, "*." + name} {
		if !slices.ContainsFunc(files.Status(), func(s cert.Status) bool { return slices.Contains(s.Names, want) }) {
			o.log.Warn("the certificate is not for all that a door needs: browsers refuse what is missing", "file", o.cert, "missing", want)
		}
	}
	return files.TLS(), nil
}

// doorOrigin returns the address under which the door is reached, as far as it can tell.
func doorOrigin(o doorOptions, listens net.Addr) string {
	if o.behind { // the proxy has the port, and the certificate
		return "https://" + o.host
	}
	scheme, usual := "http://", "80"
	if o.cert != "" {
		scheme, usual = "https://", "443"
	}
	host := o.host
	if _, port, err := net.SplitHostPort(listens.String()); err == nil && !strings.Contains(host, ":") && port != usual {
		host = net.JoinHostPort(host, port)
	}
	return scheme + host
}
