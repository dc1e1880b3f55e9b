package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"goop/host/announce"
	"goop/host/cert"
	"goop/host/control"
	"goop/host/dataserve"
	"goop/host/metrics"
	"goop/host/node"
	"goop/host/relay"
	"goop/host/site"
	"goop/host/store"
	"goop/host/templates"
	"goop/js"
	"goop/shared/data"
	"goop/shared/group"
	"goop/shared/wire"
)

// keyName is the file in the data folder that holds the host's identity.
const keyName = "identity.key"

// running is a host that runs, or the part of it that came up before something failed.
type running struct {
	opts    options
	name    string
	started time.Time

	folder  *folder
	db      *store.DB
	relay   *relay.Relay
	tables  *store.Tables
	node    *node.Node
	certs   cert.Keeper   // nil without TLS
	managed *cert.Managed // the same, when the host gets them by itself
	control *control.Server
	online  online
	metrics *metrics.Metrics
	scrapes *metrics.Server     // nil for none
	known   *announce.Announcer // at a door; nil for none
	pace    pace                // of entries
	backups schedule
	// stranger is for one word about a proxy that is not believed.
	stranger sync.Once
	desk     // does what the goop command asks of the data
}

// start brings a host up. What it returns has to be stopped, also when there is an error.
//
// The order matters: the lock on the data folder comes before anything in it is touched, and the doors
// open last, when everything behind them is ready.
func start(ctx context.Context, o options) (*running, error) {
	h := &running{opts: o, started: time.Now()}
	h.metrics = metrics.New(versionText(), h.reading)
	h.backups = schedule{
		every: o.backupEvery, keep: o.backupKeep, dir: cmp.Or(o.backupDir, filepath.Join(o.data, store.BackupFolderName)), log: o.log,
		commits: func() int64 { return h.db.Commits() },
		backup:  func(ctx context.Context, file string) (store.Backup, error) { return h.db.Backup(ctx, file, false) },
	}
	return h, h.start(ctx)
}

func (h *running) start(ctx context.Context) (err error) {
	o := h.opts
	if h.folder, err = openFolder(o.site); err != nil {
		return err
	}
	if h.name = o.name; h.name == "" {
		h.name = h.folder.name
	}
	if err := h.apart(); err != nil {
		return err
	}
	h.warn()
	if h.db, err = store.Open(ctx, store.Options{Dir: o.data, Backups: h.backups.dir, Logger: o.log, Limits: o.limits.store}); err != nil {
		return err
	}
	if err := h.openTables(ctx); err != nil {
		return err
	}
	if err := h.openGroups(ctx); err != nil {
		return err
	}
	h.tables = h.db.Tables(h.relay)
	h.desk = desk{h.db, h.tables, h.folder.site}
	requests := dataserve.New(dataserve.Options{
		Site:   h.folder.site,
		Tables: h.tables,
		Groups: h.relay,
		Owners: h.db,
		Limits: o.limits.wire,
		Rates:  o.limits.data,
		Logger: o.log,

		InviteURL: h.inviteURL,
		Reach:     h.links,
	})
	dataDir, err := os.Stat(o.data)
	if err != nil {
		return fmt.Errorf("data folder %s: %w", o.data, cause(err))
	}
	key, err := node.LoadOrCreateKey(filepath.Join(o.data, keyName))
	if err != nil {
		return err
	}
	front, err := site.New(site.Options{
		Files:      h.folder.files,
		Hide:       dataDir,
		SDK:        js.FS,
		Schema:     data.SchemaJSON,
		CSP:        h.folder.site.CSP,
		Descriptor: func(r *http.Request) wire.Descriptor { return h.descriptor(r) },
		Secure:     h.secure,
		Logger:     o.log,
	})
	if err != nil {
		return err
	}
	tls, err := h.openCerts()
	if err != nil {
		return err
	}
	h.node, err = node.Open(ctx, node.Options{
		Key: key, Name: h.name, Version: versionText(),
		Listen: o.listen, ListenTCP: o.listenTCP, TLS: tls, ListenHTTP: o.https.listenHTTP,
		Limits: o.limits.node, Proxies: o.https.trusted, Log: o.log,
	})
	if err != nil {
		return err
	}
	h.node.Handle(wire.GroupProtocol, h.relay.Serve)
	h.node.Handle(wire.DataProtocol, h.online.counted(requests.Serve))
	h.node.Handle(wire.SiteProtocol, front.ServeStream)
	h.node.HandleHTTP(h.front(front))
	if tls != nil {
		h.node.HandlePlainHTTP(h.plainFront(front))
	}
	if err := h.node.Listen(ctx); err != nil {
		return err
	}
	h.getCerts()
	if err := h.serveMetrics(ctx); err != nil {
		return err
	}
	if err := h.announce(); err != nil {
		return err
	}
	h.pace.start(func() int64 { return h.relay.Counters().Appended })
	if h.control, err = control.Listen(o.data, h, o.log); err != nil {
		return err
	}
	h.backups.start()
	o.log.Info("the host is up", "name", h.name, "peer", h.node.Peer(), "version", versionText(), "site", cmp.Or(o.site, templates.Default), "groups", len(h.relay.Stats()))
	return nil
}

// openTables makes the database have the tables of goop.json.
func (h *running) openTables(ctx context.Context) error {
	if err := h.db.OpenTables(ctx, h.folder.site); err != nil {
		return h.misfit(err)
	}
	return h.db.KeepSite(ctx, h.folder.text)
}

// openGroups brings up the groups that there are, and those that goop.json wants.
func (h *running) openGroups(ctx context.Context) (err error) {
	h.relay, err = relay.Open(ctx, relay.Options{
		Durable:   timedLog{h.db.Log(), h.metrics.Appended},
		Memory:    relay.NewMemLog(h.opts.limits.memory),
		Registry:  h.db.Registry(),
		IsOwner:   h.db.IsOwner,
		Templates: h.folder.site.Templates,
		Limits:    h.opts.limits.relay,
		Wire:      h.opts.limits.wire,
		Logger:    h.opts.log,
	})
	if err != nil {
		return fmt.Errorf("open the groups: %w", err)
	}
	h.db.OnOwner(func(peer wire.PeerID, owner bool) {
		h.relay.OwnersChanged()
		h.opts.log.Info("the site has other owners", "peer", peer, "owner", owner)
	})
	for _, cfg := range h.folder.site.Groups {
		if err := h.relay.Ensure(ctx, cfg); err != nil {
			return fmt.Errorf("group %q of %s%s: %w", cfg.ID, h.folder.in, data.SiteFile, err)
		}
	}
	return h.checkRecords()
}

// checkRecords looks at the groups for which only those who are invited may know: what others may read of
// them can have become more since they were made.
func (h *running) checkRecords() error {
	for _, info := range h.relay.List(group.Caller{Owner: true}) {
		if t, ok := h.folder.site.Table(info.Record); ok && info.Access == group.Invited && t.Access.Read.Who == data.Everybody {
			return fmt.Errorf("group %q records into the table %q, which everybody may read by %s%s, and only those who are invited may know of this group: "+
				"set the table's read rule back, or close the group first", info.ID, t.Name, h.folder.in, data.SiteFile)
		}
	}
	return nil
}

// warn tells the operator of what will not work, and why.
func (h *running) warn() {
	if _, err := fs.Stat(h.folder.files, "index.html"); errors.Is(err, fs.ErrNotExist) {
		h.opts.log.Warn("the site has no first page: there is no index.html in its folder", "folder", h.opts.site)
	}
	if _, err := fs.Stat(js.FS, "dist/member.wasm"); errors.Is(err, fs.ErrNotExist) {
		h.opts.log.Warn("pages cannot connect: this goop was built without their code; build it with ./build.sh build")
	}
}

// apart returns an error when the site's folder is the data folder: a visitor has no business in there.
// The data may well lie in a folder of the site, which is then hidden.
func (h *running) apart() error {
	if h.folder.root == nil {
		return nil
	}
	site, err := os.Stat(h.opts.site)
	if err != nil {
		return fmt.Errorf("site folder %s: %w", h.opts.site, cause(err))
	}
	if data, err := os.Stat(h.opts.data); err == nil && os.SameFile(site, data) {
		return fmt.Errorf("the site folder and the data folder are the same: %s", h.opts.site)
	}
	return nil
}

// stop ends the host: it takes in nobody any more, lets members know for as long as ctx allows, and
// puts everything on the disk. Whoever is too slow to be told costs a line in the log; the error is
// about the disk.
func (h *running) stop(ctx context.Context) error {
	told := func(what string, err error) {
		if err != nil {
			h.opts.log.Warn(what, "error", err)
		}
	}
	if h.control != nil {
		told("a command was not answered", h.control.Close(ctx))
	}
	var leaving sync.WaitGroup
	if h.known != nil {
		leaving.Go(func() { h.known.Close(ctx) })
	}
	if h.managed != nil {
		leaving.Go(h.managed.Close)
	}
	defer leaving.Wait()
	h.pace.stop()
	h.backups.stop()
	if h.scrapes != nil {
		told("a scrape of the metrics was not answered", h.scrapes.Close(ctx))
	}
	if h.node != nil {
		h.node.StopAccepting()
	}
	if h.relay != nil {
		told("not every member was told that the host ends", h.relay.Shutdown(ctx))
	}
	if h.node != nil {
		told("the ports were not closed in good order", h.node.Close())
	}
	if h.tables != nil {
		h.tables.Close()
	}
	var errs []error
	if h.db != nil {
		errs = append(errs, h.db.Close())
	}
	if h.folder != nil {
		errs = append(errs, h.folder.close())
	}
	return errors.Join(errs...)
}

// OwnerLink makes a new owner link for each address. Each has a secret of its own: a browser is another
// peer at another address, and so what one of them has used up does not spoil the others.
func (h *running) OwnerLink(ctx context.Context) (control.OwnerLink, error) {
	l := control.OwnerLink{Expires: time.Now().Add(24 * time.Hour).UnixMilli()}
	for _, p := range h.ownerPages() {
		secret, err := h.db.CreateOwnerLink(ctx)
		if err != nil {
			return control.OwnerLink{}, err
		}
		l.URLs = append(l.URLs, p+"#goop-owner="+secret)
	}
	return l, nil
}

// Owners lists the owners.
func (h *running) Owners(ctx context.Context) ([]control.Owner, error) {
	owners, err := h.db.Owners(ctx)
	list := make([]control.Owner, len(owners))
	for i, o := range owners {
		list[i] = control.Owner{Peer: o.Peer, Since: o.Since}
	}
	return list, err
}

// RemoveOwner makes an owner a visitor.
func (h *running) RemoveOwner(ctx context.Context, peer wire.PeerID) error {
	return h.db.RemoveOwner(ctx, peer)
}

// Backup makes a backup of the database.
func (h *running) Backup(ctx context.Context, q control.BackupRequest) (control.Backup, error) {
	b, err := h.db.Backup(ctx, q.File, q.Force)
	return asBackup(b), err
}

// Status tells how the host is.
func (h *running) Status(ctx context.Context) (control.Status, error) {
	owners, err := h.db.Owners(ctx)
	r := h.reading()
	s := control.Status{
		Version: versionText(),
		PID:     os.Getpid(),
		Peer:    h.node.Peer(),
		Name:    h.name,
		Site:    h.folder.what,
		URLs:    h.pages(),
		Started: h.started.UnixMilli(),
		Now:     time.Now().UnixMilli(),

		Peers:       r.Peers,
		Connections: r.Connections,
		Groups:      r.Groups,
		Members:     r.Members,
		Sessions:    r.Sessions,
		Owners:      len(owners),
		Backup:      h.backups.status(),
		Rate:        math.Round(10*h.pace.perSecond(time.Now(), h.relay.Counters().Appended)) / 10,
		Limits:      h.opts.limits.values(),
	}
	for _, l := range h.links() {
		s.Links = append(s.Links, control.Link{URL: l.URL, Kind: string(l.Kind), Network: l.Network, Secure: l.Secure, HandOut: l.HandOut})
	}
	s.Certificates = h.certificates()
	if h.known != nil {
		s.Door = asDoor(h.known.Status())
	}
	if h.scrapes != nil {
		s.Metrics = h.scrapes.URL()
	}
	return s, err
}
