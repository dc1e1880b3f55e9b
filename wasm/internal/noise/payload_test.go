//go:build !js

package noise

import (
	"bytes"
	"slices"
	"testing"

	"github.com/libp2p/go-libp2p/p2p/security/noise/pb"
	"google.golang.org/protobuf/proto"
)

func TestPayloadLikeLibp2p(t *testing.T) {
	t.Parallel()
	there := &pb.NoiseHandshakePayload{
		IdentityKey: []byte("key"), IdentitySig: []byte("sig"),
		Extensions: &pb.NoiseExtensions{
			WebtransportCerthashes: [][]byte{[]byte("h1"), []byte("h2")},
			StreamMuxers:           []string{"/yamux/1.0.0", "/other"},
		},
	}
	b, err := proto.Marshal(there)
	if err != nil {
		t.Fatal(err)
	}
	var p payload
	if !p.unmarshal(b) {
		t.Fatal("it is not understood")
	}
	if string(p.key) != "key" || string(p.sig) != "sig" || !slices.Equal(p.muxers, there.Extensions.StreamMuxers) ||
		len(p.certHashes) != 2 || string(p.certHashes[1]) != "h2" {
		t.Errorf("got %+v", p)
	}

	mine := payload{key: []byte("k"), sig: []byte("s"), muxers: []string{"/yamux/1.0.0"}}
	var back pb.NoiseHandshakePayload
	if err := proto.Unmarshal(mine.marshal(), &back); err != nil {
		t.Fatal(err)
	}
	if string(back.IdentityKey) != "k" || string(back.IdentitySig) != "s" || !slices.Equal(back.Extensions.StreamMuxers, mine.muxers) {
		t.Errorf("go-libp2p reads %v", &back)
	}
}

func TestPayloadBounds(t *testing.T) {
	t.Parallel()
	var ext []byte
	for range maxRepeated + 1 {
		ext = appendField(ext, 1, []byte("h"))
	}
	var p payload
	if p.unmarshal(appendField(nil, 4, ext)) {
		t.Error("too many certificate hashes are taken")
	}
	for _, b := range [][]byte{{0x0a}, {0x0a, 5, 1}, {0x0b}, {0x08}, {0x09, 1}, {0x0d, 1}, bytes.Repeat([]byte{0xff}, 11)} {
		var p payload
		if p.unmarshal(b) {
			t.Errorf("%x is taken", b)
		}
	}
	// Fields that are not known are skipped, whatever their type.
	if b := append([]byte{0x50, 1, 0x59, 1, 2, 3, 4, 5, 6, 7, 8, 0x5d, 1, 2, 3, 4, 0x62, 1, 9}, appendField(nil, 1, []byte("k"))...); !p.unmarshal(b) || string(p.key) != "k" {
		t.Errorf("unknown fields: got %+v", p)
	}
}

func FuzzPayload(f *testing.F) {
	f.Add((&payload{key: []byte("k"), sig: []byte("s"), muxers: []string{"/m"}}).marshal())
	f.Add([]byte{0x22, 4, 0x0a, 2, 'h', '1'})
	f.Fuzz(func(t *testing.T, b []byte) {
		var ours payload
		var theirs pb.NoiseHandshakePayload
		understood := ours.unmarshal(b)
		if err := proto.Unmarshal(b, &theirs); err != nil || !understood {
			return // go-libp2p is stricter about UTF-8 and groups, we about counts
		}
		if !bytes.Equal(ours.key, theirs.IdentityKey) || !bytes.Equal(ours.sig, theirs.IdentitySig) {
			t.Errorf("%x: we read %x, %x, go-libp2p %x, %x", b, ours.key, ours.sig, theirs.IdentityKey, theirs.IdentitySig)
		}
		if !slices.EqualFunc(ours.certHashes, theirs.GetExtensions().GetWebtransportCerthashes(), bytes.Equal) {
			t.Errorf("%x: we read the hashes %x, go-libp2p %x", b, ours.certHashes, theirs.GetExtensions().GetWebtransportCerthashes())
		}
	})
}
