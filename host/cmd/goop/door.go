package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"goop/host/door"
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
		Args: cobra.NoArgs,
	}
	f := cmd.Flags()
	f.StringVar(&o.listen, "listen", ":7790", "`address` for HTTP, or for HTTPS with --tls-cert; port 0 takes a free one")
	f.StringVar(&o.host, "host", "", "the door's own `name`, without https://; each host has one below it")
	f.StringVar(&o.data, "data", "./goop-door-data", "the `folder` in which the door remembers hosts")
	proxies := f.StringSlice("trusted-proxy", nil, "`address` or net of a reverse proxy whose X-Forwarded-For is believed; may be given again")
	format := f.String("log", "text", "how to log: text or json")
	level := f.String("log-level", "info", "what to log: debug, info, warn or error")
	cmd.PreRunE = func(cmd *cobra.Command, _ []string) (err error) {
		if o.host, err = parseDoorHost(o.host); err != nil {
			return err
		}
		if o.trusted, err = proxy.ParseTrusted("--trusted-proxy", *proxies); err != nil {
			return err
		}
		o.log, err = logger(cmd.ErrOrStderr(), *format, *level)
		return err
	}
	cmd.RunE = do(func(cmd *cobra.Command, _ []string) error { return beDoor(cmd.Context(), o, cmd.OutOrStdout()) })
	return cmd
}

// parseDoorHost reads --host: a name, with a port perhaps.
func parseDoorHost(s string) (string, error) {
	s = strings.ToLower(s)
	name, port, err := net.SplitHostPort(s)
	if err != nil {
		name, port = s, ""
	}
	_, notAName := netip.ParseAddr(strings.Trim(name, "[]"))
	if n, err := strconv.Atoi(port); name == "" || notAName == nil || strings.ContainsAny(name, "/:@*") || port != "" && (err != nil || n < 1 || n > 65535) {
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
	s, err := d.Listen(ctx, o.listen, nil)
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

// doorOrigin returns the address under which the door is reached, as far as it can tell.
func doorOrigin(o doorOptions, listens net.Addr) string {
	if len(o.trusted) > 0 { // the proxy has the port, and the certificate
		return "https://" + o.host
	}
	host := o.host
	if _, port, err := net.SplitHostPort(listens.String()); err == nil && !strings.Contains(host, ":") {
		host = net.JoinHostPort(host, port)
	}
	return "http://" + host
}
