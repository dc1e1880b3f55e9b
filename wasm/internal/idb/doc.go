// Package idb keeps JavaScript values in the browser's IndexedDB, by key, and is the member's Store
// there. There is one database per name with one object store; what the keys mean is the caller's
// concern. It has no upgrade path on purpose: a new kind of value gets a new kind of key.
//
// Update, Get and Add block for as long as the browser takes; none may be called from a callback.
package idb
