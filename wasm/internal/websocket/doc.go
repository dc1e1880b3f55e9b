// Package websocket is the browser's WebSocket as a stream of bytes; the borders of its messages mean
// nothing. It knows URLs and bytes.
//
// A browser tells nobody to slow down on a WebSocket, and cannot be asked to wait with reading: what
// arrives is kept until it is read, up to a bound beyond which the connection is given up. The muxer
// on top keeps the far end below it. Writing waits while the browser has too much to send; since no
// event tells when that changes, it looks from time to time.
//
// One goroutine may read while another writes; Close may come from any.
package websocket
