package noise

import (
	"bytes"
	"encoding/hex"
	"testing"

	"goop/wasm/internal/curve"
)

// vectors are cacophony's for Noise_XX_25519_ChaChaPoly_SHA256 without a prologue, as flynn/noise has them:
// the three messages of a handshake, one message of the initiator and one of the responder.
var vectors = []struct {
	name               string
	payloads, messages [5]string
}{
	{"without payloads", [5]string{"", "", "", "79656c6c6f777375626d6172696e65", "7375626d6172696e6579656c6c6f77"}, [5]string{
		"358072d6365880d1aeea329adf9121383851ed21a28e3b75e965d0d2cd166254",
		"64b101b1d0be5a8704bd078f9895001fc03e8e9f9522f188dd128d9846d484663414af878d3e46a2f58911a816d6e8346d4ea17a6f2a0bb4ef4ed56c133cff4560a34e36ea82109f26cf2e5a5caf992b608d55c747f615e5a3425a7a19eefb8f",
		"87f864c11ba449f46a0a4f4e2eacbb7b0457784f4fca1937f572c93603e9c4d97e5ea11b16f3968710b23a3be3202dc1b5e1ce3c963347491e74f5c0768a9b42",
		"a52ef02ba60e12696d1d6b9ef4245c88fca757b6134ad6e76b56e310a6adf6", "2445aa438ebd649281c636cc7269ca82f1d9023d72520943aeabf909cdf521",
	}},
	// Its first message has a payload too, which libp2p's never has.
	{"with payloads", [5]string{"746573745f6d73675f30", "746573745f6d73675f31", "746573745f6d73675f32", "79656c6c6f777375626d6172696e65", "7375626d6172696e6579656c6c6f77"}, [5]string{
		"358072d6365880d1aeea329adf9121383851ed21a28e3b75e965d0d2cd166254746573745f6d73675f30",
		"64b101b1d0be5a8704bd078f9895001fc03e8e9f9522f188dd128d9846d484663414af878d3e46a2f58911a816d6e8346d4ea17a6f2a0bb4ef4ed56c133cff4572e7a2ba5123ac30618b3d205f5c2d17f50cbca216483ac56bcc78e33bf520303278db641e5e731b2e3a",
		"87f864c11ba449f46a0a4f4e2eacbb7b0457784f4fca1937f572c93603e9c4d9f27e318e43ba630594c4d08eeb3b36d97c7377a2f4f9144b2f0c8095ad92140505b2ab53eff244b14138",
		"a52ef02ba60e12696d1d6b9ef4245c88fca757b6134ad6e76b56e310a6adf6", "2445aa438ebd649281c636cc7269ca82f1d9023d72520943aeabf909cdf521",
	}},
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// vectorKeys are the initiator's private keys in all of the vectors.
func vectorKeys() (static, ephemeral [curve.Size]byte) {
	for i := range static {
		static[i], ephemeral[i] = byte(i), byte(0x20+i)
	}
	return static, ephemeral
}

func TestVectors(t *testing.T) {
	t.Parallel()
	for _, tt := range vectors {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			i := newInitiator(vectorKeys())
			hello, first := i.hello(nil), unhex(t, tt.messages[0])
			if !bytes.Equal(hello, first[:curve.Size]) {
				t.Errorf("first message: got %x", hello)
			}
			if payload := first[curve.Size:]; len(payload) > 0 {
				i = newInitiator(vectorKeys())
				i.mixHash(hello)
				i.mixHash(payload)
			}
			payload, ok := i.answer(unhex(t, tt.messages[1]))
			if !ok || !bytes.Equal(payload, unhex(t, tt.payloads[1])) {
				t.Fatalf("second message: got %v, %x", ok, payload)
			}
			third, send, receive, ok := i.finish(nil, unhex(t, tt.payloads[2]))
			if !ok || !bytes.Equal(third, unhex(t, tt.messages[2])) {
				t.Errorf("third message: got %v, %x", ok, third)
			}
			if got := send.Seal(nil, 0, unhex(t, tt.payloads[3]), nil); !bytes.Equal(got, unhex(t, tt.messages[3])) {
				t.Errorf("sent: got %x", got)
			}
			if got, ok := receive.Open(nil, 0, unhex(t, tt.messages[4]), nil); !ok || !bytes.Equal(got, unhex(t, tt.payloads[4])) {
				t.Errorf("received: got %v, %x", ok, got)
			}
		})
	}
}

// No change of the responder's message, in whichever byte, and no length but its own is taken.
func TestAnswerChanged(t *testing.T) {
	t.Parallel()
	msg := unhex(t, vectors[0].messages[1])
	try := func(what string, at int, msg []byte) {
		i := newInitiator(vectorKeys())
		i.hello(nil)
		if _, ok := i.answer(msg); ok {
			t.Errorf("%s %d is taken", what, at)
		}
	}
	for at := range msg {
		changed := bytes.Clone(msg)
		changed[at] ^= 0x11
		try("a change of byte", at, changed)
		try("a message of length", at, bytes.Clone(msg[:at]))
	}
	try("a message of length", len(msg)+1, append(bytes.Clone(msg), 0))
}

// A responder whose ephemeral key has low order would share zeros with everybody.
func TestLowOrder(t *testing.T) {
	t.Parallel()
	for _, point := range [][curve.Size]byte{{}, {1}} {
		msg := append(point[:], make([]byte, 64)...)
		i := newInitiator(vectorKeys())
		i.hello(nil)
		if _, ok := i.answer(msg); ok {
			t.Errorf("%x is taken", point[:1])
		}
		i = newInitiator(vectorKeys())
		i.hello(nil)
		if _, ok := i.answer(unhex(t, vectors[0].messages[1])); !ok {
			t.Fatal("the vector is refused")
		}
		i.re = point
		if _, _, _, ok := i.finish(nil, nil); ok {
			t.Errorf("%x is taken for the last secret", point[:1])
		}
	}
}

func FuzzAnswer(f *testing.F) {
	for _, v := range vectors {
		b, _ := hex.DecodeString(v.messages[1])
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, msg []byte) {
		i := newInitiator(vectorKeys())
		i.hello(nil)
		taken := bytes.Equal(msg, unhex(t, vectors[0].messages[1]))
		if _, ok := i.answer(msg); ok != taken {
			t.Errorf("%x: got %v", msg, ok)
		}
	})
}
