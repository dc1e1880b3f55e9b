// Command member is the program that a page runs, compiled to WebAssembly: shared/member over the
// browser's transports, behind the few functions that js/goop.js calls (js/globals.d.ts has their
// types). It knows nothing of what a page does with it.
//
// goop.js leaves what the program needs in globalThis.goopStart and takes it away again once main
// waits for the first time. The program runs as long as the page.
package main

import (
	"syscall/js"

	"goop/shared/jsontext"
	"goop/shared/member"
	"goop/shared/wire"
	"goop/wasm/internal/dial"
	"goop/wasm/internal/idb"
	"goop/wasm/internal/identity"
	"goop/wasm/internal/jsx"
	"goop/wasm/internal/random"
)

func main() {
	start := js.Global().Get("goopStart")
	jsx.SetErrorClass(start.Get("GoopError"))
	report := start.Get("status")
	warn := func(message string) { js.Global().Get("console").Call("warn", "Goop: "+message) }
	store := idb.NewStore(identity.Database)
	dialer := dial.Begun(store, dial.Options{
		Base:      start.Get("base").String(),
		Transport: start.Get("transport").String(),
		Warn:      warn,
	}, start.Get("early"))
	var m *member.Member
	m = member.New(member.Options{
		Dialer:   dialer,
		Rand:     random.Reader,
		Store:    store,
		OnWarn:   warn,
		OnStatus: func(s member.Status) { report.Invoke(statusText(s, m.Session(), dialer.Descriptor())) },
	})
	b := newBridge(m, start.Get("outcomes"))
	start.Get("ready").Invoke(b.object())
	b.loop.Pass() // a page is not to stand still for all of a start in one piece
	m.Start()
	select {}
}

// statusText is a status as goop.js wants it, in JSON.
func statusText(s member.Status, session wire.SessionID, host wire.Descriptor) string {
	w := jsontext.Writer{}
	w.Begin('{')
	w.StrUnlessEmpty("state", string(s.State))
	w.StrUnlessEmpty("transport", s.Transport)
	w.StrUnlessEmpty("peer", string(s.Self))
	w.StrUnlessEmpty("host", string(s.Host))
	w.StrUnlessEmpty("name", host.Name)
	w.StrUnlessEmpty("version", host.Version)
	w.StrUnlessEmpty("session", string(session))
	if s.Err != nil {
		w.Key("error")
		w.Raw(s.Err.Append(nil))
	}
	w.End('}')
	return string(w.B)
}
