package door_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/libp2p/go-libp2p/core/crypto"
	cryptopb "github.com/libp2p/go-libp2p/core/crypto/pb"
	"github.com/libp2p/go-libp2p/core/peer"
	librecord "github.com/libp2p/go-libp2p/core/record"
	recordpb "github.com/libp2p/go-libp2p/core/record/pb"
	ma "github.com/multiformats/go-multiaddr"
	"google.golang.org/protobuf/proto"

	"goop/shared/record"
)

func verify(public, message, signature []byte) bool {
	return ed25519.Verify(public, message, signature)
}

// texts are addresses with what we make of each, "" when it is of no known kind.
var texts = [][2]string{
	{"/ip4/203.0.113.5/udp/7780/quic-v1/webtransport/certhash/uEiAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA/certhash/uEiABAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQ", "="},
	{"/ip4/203.0.113.5/udp/7780/quic-v1/webtransport", "="},
	{"/ip6/2001:db8::1/udp/7780/quic-v1", "="},
	{"/ip4/10.0.0.1/tcp/7780/ws", "="},
	{"/dns/quiz.example.org/tcp/443/tls/ws", "="},
	{"/dns4/quiz.example.org/tcp/443/wss", "/dns/quiz.example.org/tcp/443/tls/ws"},
	{"/dns6/quiz.example.org/tcp/443/wss", "/dns/quiz.example.org/tcp/443/tls/ws"},
	{"/ip4/10.0.0.1/tcp/4001", "="},
	{"/ip6/::ffff:10.0.0.1/tcp/4001", "="},
	{"/ip4/10.0.0.1/udp/7780", ""},
	{"/ip4/10.0.0.1/udp/7780/quic-v1/webtransport/ws", ""},
	{"/ip4/10.0.0.1/tcp/443/tls", ""},
	{"/ip4/10.0.0.1/tcp/443/tls/sni/a.example/ws", ""},
	{"/ip6zone/eth0/ip6/fe80::1/tcp/4001", ""},
	{"/dnsaddr/bootstrap.libp2p.io", ""},
	{"/dns/127.1/tcp/443/wss", ""},
	{"/dns/0x7f000001/tcp/443/wss", ""},
	{"/dns/a_b.example/tcp/443/wss", ""},
	{"/dns/Quiz.example/tcp/443/wss", ""},
	{"/unix/tmp/x", ""},
	{"/ip4/10.0.0.1/tcp/4001/p2p/QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWnPbdG", ""},
	{"/ip4/10.0.0.1/tcp/4001/p2p/QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWnPbdG/p2p-circuit", ""},
	{"/ip4/10.0.0.1/udp/7780/quic-v1/webtransport/certhash/uEiAA", ""},
}

func seal(t testing.TB, key crypto.PrivKey, seq uint64, addrs ...string) []byte {
	t.Helper()
	id, err := peer.IDFromPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return sealAs(t, key, id, seq, addrs...)
}

func sealAs(t testing.TB, key crypto.PrivKey, id peer.ID, seq uint64, addrs ...string) []byte {
	t.Helper()
	rec := peer.PeerRecord{PeerID: id, Seq: seq}
	for _, s := range addrs {
		a, err := ma.NewMultiaddr(s)
		if err != nil {
			continue
		}
		rec.Addrs = append(rec.Addrs, a)
	}
	envelope, err := librecord.Seal(&rec, key)
	if err != nil {
		t.Fatal(err)
	}
	b, err := envelope.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func newEd25519(t testing.TB) crypto.PrivKey {
	t.Helper()
	key, _, err := crypto.GenerateEd25519Key(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestRecordAddresses(t *testing.T) {
	t.Parallel()
	key := newEd25519(t)
	id, err := peer.IDFromPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range texts {
		if _, err := ma.NewMultiaddr(c[0]); err != nil {
			continue // go-libp2p drops it, and so it does not come into a record
		}
		for _, text := range []string{c[0], c[0] + "/p2p/" + id.String()} {
			rec, err := record.Open(seal(t, key, 7, text), verify)
			if err != nil {
				t.Errorf("%s: %v", text, err)
				continue
			}
			want := c[1]
			if want == "=" {
				want = c[0]
			}
			if rec.Seq != 7 || string(rec.Peer) != id.String() {
				t.Errorf("%s: got %+v", text, rec)
			}
			switch {
			case strings.Contains(c[0], "/p2p/"):
			case want == "" && (len(rec.Addrs) != 0 || rec.Unknown != 1):
				t.Errorf("%s: got %+v, want it left out", text, rec)
			case want != "" && (len(rec.Addrs) != 1 || rec.Addrs[0].String() != want):
				t.Errorf("%s: got %+v, want %s", text, rec, want)
			}
		}
	}
}

// With any one bit turned, and cut off anywhere, both readers say the same: no.
func TestRecordFlips(t *testing.T) {
	t.Parallel()
	small := seal(t, newEd25519(t), 1, texts[0][0])
	for i := range len(small) * 8 {
		b := bytes.Clone(small)
		b[i/8] ^= 1 << (i % 8)
		compareRecord(t, b)
	}
	for i := range small {
		compareRecord(t, small[:i])
	}
}

// Our reader takes nothing that go-libp2p does not take, and says the same of what it takes. What it does not take
// and go-libp2p does is of one of the kinds in which it is stricter.
func FuzzRecord(f *testing.F) {
	key := newEd25519(f)
	id, err := peer.IDFromPrivateKey(key)
	if err != nil {
		f.Fatal(err)
	}
	var all []string
	for _, c := range texts {
		all = append(all, c[0])
	}
	small := seal(f, key, 1, texts[0][0])
	seeds := [][]byte{small, seal(f, key, 0), seal(f, key, 1<<63, all[:8]...), seal(f, key, 1, all[8:]...), seal(f, key, 1, append(all, all...)...)}
	for _, kind := range []int{crypto.RSA, crypto.Secp256k1, crypto.ECDSA} {
		other, _, err := crypto.GenerateKeyPairWithReader(kind, 2048, rand.Reader)
		if err != nil {
			f.Fatal(err)
		}
		seeds = append(seeds, seal(f, other, 1, texts[0][0]), sealAs(f, other, id, 1, texts[0][0]))
	}
	seeds = append(seeds, sealAs(f, newEd25519(f), id, 1, texts[0][0])) // a stranger's signature
	seeds = append(seeds, variants(f, key)...)
	for _, b := range seeds {
		f.Add(b)
	}
	f.Fuzz(compareRecord)
}

// variants are envelopes in spellings that protobuf allows and that are not the one of record.Seal.
func variants(t testing.TB, key crypto.PrivKey) [][]byte {
	whole := seal(t, key, 300, texts[0][0])
	var e recordpb.Envelope
	if err := proto.Unmarshal(whole, &e); err != nil {
		t.Fatal(err)
	}
	long := func(b []byte, field byte) []byte { // the length of a field, in one byte more than it needs
		i := bytes.IndexByte(b, field<<3|2)
		return slices.Concat(b[:i+1], []byte{b[i+1] | 0x80, 0}, b[i+2:])
	}
	list := [][]byte{
		slices.Concat(whole, []byte{6 << 3, 1}),          // an unknown field
		slices.Concat([]byte{6 << 3, 1}, whole),          //
		slices.Concat(whole, []byte{4<<3 | 2, 1, 'x'}),   //
		slices.Concat(whole, whole),                      // each field twice
		slices.Concat(whole, []byte{2<<3 | 2, 2, 3, 1}),  // one twice, and out of order
		slices.Concat([]byte{2<<3 | 2, 2, 3, 1}, whole),  //
		slices.Concat(whole, []byte{1<<3 | 2, 2, 8, 1}),  // a message, merged
		slices.Concat(whole, []byte{7<<3 | 3, 7<<3 | 4}), // a group
		long(whole, 1),
	}
	// Payloads that the key has signed and that record.Seal would have written otherwise.
	pub, err := key.GetPublic().Raw()
	if err != nil {
		t.Fatal(err)
	}
	p := e.Payload
	for _, payload := range [][]byte{
		slices.Concat(p, []byte{4 << 3, 1}),   // an unknown field
		slices.Concat(p, p),                   // each twice
		slices.Concat(p, []byte{2 << 3, 5}),   // a second sequence number
		slices.Concat([]byte{2 << 3, 5}, p),   //
		slices.Concat(p, []byte{3<<3 | 2, 0}), // an address without bytes
		slices.Concat(p, []byte{3<<3 | 2, 2, 1<<3 | 2, 0}),
		slices.Concat(p, []byte{3<<3 | 2, 4, 1<<3 | 2, 0, 2 << 3, 1}),
		bytes.Replace(p, []byte{2 << 3, 0xac, 2}, []byte{2 << 3, 0xac, 0x82, 0}, 1),
		bytes.Replace(p, []byte{2 << 3, 0xac, 2}, []byte{2 << 3, 0}, 1),
		long(p, 1),
		{},
		{2 << 3, 5},
	} {
		list = append(list, envelopeOf(t, key, pub, payload))
	}
	return list
}

// envelopeOf signs any payload.
func envelopeOf(t testing.TB, key crypto.PrivKey, pub, payload []byte) []byte {
	t.Helper()
	var unsigned []byte
	for _, part := range [][]byte{[]byte(peer.PeerRecordEnvelopeDomain), peer.PeerRecordEnvelopePayloadType, payload} {
		unsigned = append(uvarint(unsigned, len(part)), part...)
	}
	signature, err := key.Sign(unsigned)
	if err != nil {
		t.Fatal(err)
	}
	kind := cryptopb.KeyType_Ed25519
	b, err := proto.Marshal(&recordpb.Envelope{
		PublicKey: &cryptopb.PublicKey{Type: &kind, Data: pub}, PayloadType: peer.PeerRecordEnvelopePayloadType, Payload: payload, Signature: signature,
	})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func uvarint(b []byte, n int) []byte {
	for ; n >= 0x80; n >>= 7 {
		b = append(b, byte(n)|0x80)
	}
	return append(b, byte(n))
}

// libp2pRecord is what go-libp2p makes of an envelope, with what it leaves to its callers: that the record is of the
// peer who has signed it. nil when it refuses.
func libp2pRecord(b []byte) (*librecord.Envelope, *peer.PeerRecord) {
	envelope, rec, err := librecord.ConsumeEnvelope(b, peer.PeerRecordEnvelopeDomain)
	if err != nil {
		return nil, nil
	}
	r, ok := rec.(*peer.PeerRecord)
	if !ok || !r.PeerID.MatchesPublicKey(envelope.PublicKey) {
		return nil, nil
	}
	return envelope, r
}

func compareRecord(t *testing.T, b []byte) {
	envelope, theirs := libp2pRecord(b)
	ours, err := record.Open(b, verify)
	if err != nil {
		if theirs == nil || envelope.PublicKey.Type() != crypto.Ed25519 || len(b) > record.MaxSize || len(theirs.Addrs) > record.MaxAddrs {
			return
		}
		if why := unusual(b, envelope, theirs); why == "" {
			t.Errorf("%x\nis what record.Seal writes, and is refused: %v", b, err)
		}
		return
	}
	if theirs == nil {
		t.Fatalf("%x\nis refused by go-libp2p and read as %+v", b, ours)
	}
	if string(ours.Peer) != theirs.PeerID.String() || ours.Seq != theirs.Seq {
		t.Fatalf("%x\ngot %s %d, want %s %d", b, ours.Peer, ours.Seq, theirs.PeerID, theirs.Seq)
	}
	rest := ours.Addrs
	suffix := "/p2p/" + theirs.PeerID.String()
	for _, a := range theirs.Addrs {
		if len(rest) == 0 {
			break
		}
		text := a.String()
		text = strings.TrimSuffix(text, suffix)
		text = strings.Replace(text, "/wss", "/tls/ws", 1)
		for _, family := range []string{"/dns4/", "/dns6/"} {
			if after, ok := strings.CutPrefix(text, family); ok {
				text = "/dns/" + after
			}
		}
		if rest[0].String() == text {
			rest = rest[1:]
		}
	}
	if len(rest) > 0 {
		t.Fatalf("%x\nhas the address %s, and for go-libp2p only %v", b, rest[0], theirs.Addrs)
	}
	if len(ours.Addrs)+ours.Unknown < len(theirs.Addrs) {
		t.Fatalf("%x\nhas %d addresses and %d unknown ones, and for go-libp2p %d", b, len(ours.Addrs), ours.Unknown, len(theirs.Addrs))
	}
	for _, a := range ours.Addrs {
		if a.IP.IsValid() == (a.Name != "") || a.IP != netip.Addr(a.IP).WithZone("") {
			t.Fatalf("%+v", a)
		}
	}
}

// unusual says in what an envelope that go-libp2p takes differs from what record.Seal would have written: there our
// reader is stricter. "" when in nothing.
func unusual(b []byte, envelope *librecord.Envelope, rec *peer.PeerRecord) string {
	if again, err := envelope.Marshal(); err != nil || !bytes.Equal(again, b) {
		return "the envelope's spelling"
	}
	if again, err := rec.MarshalRecord(); err != nil || !bytes.Equal(again, envelope.RawPayload) {
		return "the payload's spelling, or an address that is none"
	}
	return ""
}
