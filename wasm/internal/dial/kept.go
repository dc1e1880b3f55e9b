package dial

import (
	"context"

	"goop/shared/wire"
	"goop/wasm/internal/identity"
	"goop/wasm/internal/noise"
)

// kept is what the browser keeps for a host. It is read while the connection is being opened: storage may take as long
// as all the rest, and the key is needed late, what is known of the network only should WebTransport not get through.
type kept struct {
	cancel   context.CancelFunc
	recalled chan struct{} // closed when Dialer.networks is what is remembered, as far as it was read in time
	opened   chan struct{} // closed when the following are set
	key      *identity.Key
	err      error
}

// readKept begins to read; end must follow.
func (d *Dialer) readKept(ctx context.Context, host wire.PeerID) *kept {
	k := &kept{recalled: make(chan struct{}), opened: make(chan struct{})}
	ctx, k.cancel = context.WithCancel(ctx)
	go func() {
		defer close(k.recalled)
		d.recall(ctx, host)
	}()
	go func() {
		defer close(k.opened)
		k.key, k.err = d.keyFor(ctx, host)
	}()
	return k
}

// end gives up what has not been read, and returns when nobody reads any more.
func (k *kept) end() {
	k.cancel()
	<-k.recalled
	<-k.opened
}

// signer waits for the key.
func (k *kept) signer(ctx context.Context) (noise.Signer, error) {
	select {
	case <-k.opened:
		return k.key, k.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// keyFor returns this member's key for a host.
func (d *Dialer) keyFor(ctx context.Context, host wire.PeerID) (*identity.Key, error) {
	d.mu.Lock()
	key, of := d.key, d.keyOf
	d.mu.Unlock()
	if key != nil && of == host {
		return key, nil
	}
	key, why, err := d.platform.Key(ctx, host)
	if err != nil {
		return nil, err
	}
	if why != nil && d.opts.Warn != nil {
		d.opts.Warn("this browser does not keep the visitor's key, so that a reload makes another peer: " + why.Error())
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.key, d.keyOf = key, host
	return key, nil
}
