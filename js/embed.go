// Package js embeds what a page loads: goop.js and its siblings as they were written, and the folder
// dist with what ./build.sh makes of wasm/member. It knows nothing of how they are served; package
// site does. The files never change while the program runs, so anybody may read them at any time.
package js

import "embed"

// FS holds goop.js, goop.mjs and goop.d.ts, and below dist: member.wasm and wasm_exec.js (each with a
// .br and a .gz beside it) and build-info.json. In a program that was built without ./build.sh, dist
// has nothing but a placeholder.
//
//go:embed goop.js goop.mjs goop.d.ts all:dist
var FS embed.FS
