package main

import (
	"context"
	"io"
	"syscall/js"
	"time"

	"goop/shared/wire"
	"goop/wasm/internal/nearby"
	"goop/wasm/internal/sitefetch"
)

const (
	// descriptorTime is how long the host may take to say itself how it is reached. A member waits 5 s in all.
	descriptorTime = 1500 * time.Millisecond
	// maxDescriptor bounds what is read of its answer, in bytes.
	maxDescriptor = 64 << 10
)

// descriptor() resolves with what GET /goop/host.json is to answer: how the host is reached from here. While there is a
// connection, the host is asked, which knows its certificates of now; otherwise the record says it.
func (v *visitor) descriptor(ctx context.Context, _ []js.Value) (any, error) {
	if conn := v.client.Connected(); conn != nil {
		own, err := v.own(ctx)
		if err == nil {
			v.mu.Lock()
			found, used := v.found, v.used[conn.Transport()]
			v.mu.Unlock()
			d := nearby.Within(own, found, used)
			return string(d.Append(nil)), nil
		}
	}
	d, err := v.record(ctx)
	if err != nil {
		return nil, err
	}
	return string(d.Append(nil)), nil
}

// own asks the host itself.
func (v *visitor) own(ctx context.Context) (d wire.Descriptor, err error) {
	ctx, cancel := context.WithTimeout(ctx, descriptorTime)
	defer cancel()
	r, err := v.client.Do(ctx, &sitefetch.Request{Method: "GET", Target: wire.HostPath, Host: v.host})
	if err != nil {
		return d, err
	}
	defer r.Body.Close()
	body, err := io.ReadAll(io.LimitReader(r.Body, maxDescriptor))
	if err != nil {
		return d, err
	}
	if d, err = wire.ParseDescriptor(body); err == nil && (r.Status != 200 || d.Peer != v.expected) {
		err = wire.E(wire.WrongHost, "not the host's descriptor")
	}
	return d, err
}
