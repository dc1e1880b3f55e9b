// Package js embeds what a page loads: goop.js, which ./build.sh bundle makes of the modules in the folder goop, and
// its siblings, the host's own page that shows how it is reached, and the folder dist with what ./build.sh makes of
// wasm/member, wasm/visitor and the folder door. It knows nothing of how they are served; packages site and door do. The files never change
// while the program runs, so anybody may read them at any time.
package js

import (
	"embed"
	"io/fs"
)

// FS holds goop.js, goop.mjs and goop.d.ts, the page reach.html with its parts and vendor, and below dist:
// member.wasm and wasm_exec.js (each with a .br and a .gz beside it) and build-info.json. In a program that was built without ./build.sh, dist
// has nothing but a placeholder.
//
//go:embed goop.js goop.mjs goop.d.ts all:dist
//go:embed reach.html reach.css reach.js qr.js vendor
var FS embed.FS

// Door holds what a door serves: each file lies at /goop/door/ and its name. Those with a hash in the name, such as
// visitor-0123456789abcdef0123.wasm, never change, and have a .br and a .gz beside them; all others are to be asked for
// anew each time. Besides, visit.html answers every address of a host's origin that is not below /goop/door/, and
// index.html the door's own "/". headers.json is not served: it has the headers that every answer with one of
// the files carries. In a program that was built without ./build.sh, there are none.
var Door = door()

func door() fs.FS {
	sub, err := fs.Sub(FS, "dist/door")
	if err != nil {
		panic(err) // the name is not one
	}
	return sub
}
