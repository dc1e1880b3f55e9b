// Command pocketbase is the PocketBase beside which `./build.sh bench data` measures Goop: PocketBase as a
// Go library, as its makers tell one to use it, with one collection like the benchmark's table. It is a
// module of its own, so that Goop's does not know it.
package main

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"

	"github.com/pocketbase/dbx"
	"github.com/pocketbase/pocketbase/apis"
	"github.com/pocketbase/pocketbase/core"
	_ "github.com/pocketbase/pocketbase/migrations" // of its own tables
	_ "modernc.org/sqlite"
)

// pragmas are those of PocketBase itself, but for synchronous, which is FULL as in Goop: what was
// answered is on the disk.
const pragmas = "?_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=journal_size_limit(200000000)" +
	"&_pragma=synchronous(FULL)&_pragma=foreign_keys(ON)&_pragma=temp_store(MEMORY)&_pragma=cache_size(-32000)"

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: pocketbase DATA-DIR")
		os.Exit(2)
	}
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run serves on a free port of the loopback interface, whose address it prints, until it is killed.
func run(dir string) error {
	app := core.NewBaseApp(core.BaseAppConfig{
		DataDir:   dir,
		DBConnect: func(path string) (*dbx.DB, error) { return dbx.Open("sqlite", path+pragmas) },
	})
	if err := app.Bootstrap(); err != nil {
		return err
	}
	if err := app.RunAllMigrations(); err != nil {
		return err
	}
	if err := errors.Join(quiet(app), owner(app), collection(app)); err != nil {
		return err
	}
	// The port is free a moment later too: nobody else on this machine asks for it by number.
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	address := l.Addr().String()
	if err := l.Close(); err != nil {
		return err
	}
	app.OnServe().BindFunc(func(e *core.ServeEvent) error {
		fmt.Printf("Page http://%s/\n", address)
		return e.Next()
	})
	err = apis.Serve(app, apis.ServeConfig{HttpAddr: address})
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// quiet switches off the log of requests, which Goop does not keep either.
func quiet(app core.App) error {
	s := app.Settings()
	s.Logs.MaxDays = 0
	return app.Save(s)
}

// owner makes a superuser, without whom PocketBase would ask for one in a browser.
func owner(app core.App) error {
	superusers, err := app.FindCollectionByNameOrId(core.CollectionNameSuperusers)
	if err != nil {
		return err
	}
	r := core.NewRecord(superusers)
	r.SetEmail("bench@example.com")
	r.SetRandomPassword()
	return app.Save(r)
}

// collection makes the collection moves, open to all.
func collection(app core.App) error {
	c := core.NewBaseCollection("moves")
	open := ""
	c.ListRule, c.ViewRule, c.CreateRule, c.UpdateRule, c.DeleteRule = &open, &open, &open, &open, &open
	c.Fields.Add(
		&core.TextField{Name: "game", Required: true},
		&core.NumberField{Name: "ply", OnlyInt: true},
		&core.TextField{Name: "san"},
		&core.AutodateField{Name: "created", OnCreate: true},
		&core.AutodateField{Name: "updated", OnCreate: true, OnUpdate: true},
	)
	c.AddIndex("moves_game_ply", false, "game, ply", "")
	return app.Save(c)
}
