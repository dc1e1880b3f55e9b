package node

import (
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"github.com/libp2p/go-libp2p/core/peer"
	librecord "github.com/libp2p/go-libp2p/core/record"
	ma "github.com/multiformats/go-multiaddr"

	"goop/shared/record"
)

// RecordAddrs returns where the host is reached now, for its signed records: what browsers dial first, in the order
// of the kinds and within each as the descriptor has them, addresses of the machine itself last. It is
// empty before Listen. The certificates' hashes are read at each call, and change every few days.
func (n *Node) RecordAddrs() []record.Addr {
	n.mu.Lock()
	binds, tcp := n.binds, n.tcp
	n.mu.Unlock()
	machine := machineIPs()
	hashes := n.hashes()
	var addrs []record.Addr
	for _, k := range []struct {
		kind   record.Kind
		binds  []bind
		hashes [][]byte
	}{{record.WebTransport, binds, hashes}, {record.WebSocket, binds, nil}, {record.QUIC, binds, nil}, {record.TCP, tcp, nil}} {
		if len(k.binds) == 0 {
			continue
		}
		if n.opts.TLS != nil && k.kind == record.WebSocket { // which only the names of the certificate have
			for _, e := range n.opts.TLS.names(k.binds[0].port) {
				a := record.Addr{Kind: k.kind, IP: e.addr, Port: uint16(e.port), TLS: true}
				if !e.addr.IsValid() {
					a.Name = e.host
				}
				addrs = append(addrs, a)
			}
			continue
		}
		for _, local := range []bool{false, true} {
			for _, a := range reachable(k.binds, machine, local) {
				if a.IsLoopback() == local {
					addrs = append(addrs, record.Addr{Kind: k.kind, IP: a, Port: uint16(k.binds[0].port), CertHashes: k.hashes})
				}
			}
		}
	}
	return addrs
}

// RecordAddrsAt returns where the host is reached at an address that is not the machine's: that of a router which forwards
// a UDP port to the host's. It is empty when the host does not listen on an address to which a router could.
func (n *Node) RecordAddrsAt(at netip.AddrPort) []record.Addr {
	n.mu.Lock()
	binds := n.binds
	n.mu.Unlock()
	if !slices.ContainsFunc(binds, func(b bind) bool { return !b.addr.IsLoopback() && b.addr.Is4() == at.Addr().Is4() }) {
		return nil
	}
	return []record.Addr{
		{Kind: record.WebTransport, IP: at.Addr(), Port: at.Port(), CertHashes: n.hashes()},
		{Kind: record.QUIC, IP: at.Addr(), Port: at.Port()},
	}
}

// hashes returns those of the certificates of WebTransport as bytes.
func (n *Node) hashes() (hashes [][]byte) {
	for _, c := range n.certHashes() {
		if h, err := hex.DecodeString(c.hex); err == nil {
			hashes = append(hashes, h)
		}
	}
	return hashes
}

// Seal signs a record with the host's key: an envelope for record.Open.
func (n *Node) Seal(seq uint64, addrs []record.Addr) ([]byte, error) {
	key := n.opts.Key.priv
	id, err := peer.IDFromPrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("node: record: %w", err)
	}
	rec := peer.PeerRecord{PeerID: id, Seq: seq}
	for _, a := range addrs {
		m, err := ma.NewMultiaddr(a.String())
		if err != nil {
			return nil, fmt.Errorf("node: record: %w", err)
		}
		rec.Addrs = append(rec.Addrs, m)
	}
	envelope, err := librecord.Seal(&rec, key)
	if err != nil {
		return nil, fmt.Errorf("node: record: %w", err)
	}
	b, err := envelope.Marshal()
	switch {
	case err != nil:
		return nil, fmt.Errorf("node: record: %w", err)
	case len(b) > record.MaxSize || len(addrs) > record.MaxAddrs:
		return nil, errors.New("node: record: too many addresses")
	}
	return slices.Clip(b), nil
}
