package node_test

import (
	"crypto/rand"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/libp2p/go-libp2p/core/crypto"

	"goop/host/node"
	"goop/shared/wire"
)

func TestKeyIsMadeOnce(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "host.key")
	var wg sync.WaitGroup
	peers := make([]wire.PeerID, 8)
	for i := range peers { // hosts that start at once
		wg.Go(func() {
			k, err := node.LoadOrCreateKey(path)
			if err != nil {
				t.Error(err)
				return
			}
			peers[i] = k.Peer()
		})
	}
	wg.Wait()
	for _, p := range peers {
		if p != peers[0] {
			t.Errorf("got peers %s and %s from one file", peers[0], p)
		}
	}
	if !strings.HasPrefix(string(peers[0]), "12D3KooW") {
		t.Errorf("peer %s is not that of an Ed25519 key", peers[0])
	}
	fi, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := fi.Mode().Perm(); got != 0o600 {
		t.Errorf("mode: got %#o, want 0600", got)
	}
	names, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(names) != 1 {
		t.Errorf("the folder has %v, %v, want the key alone", names, err)
	}
}

// TestKeyIsNeverReplaced checks every kind of bad file: an error that helps, and the file as it was.
func TestKeyIsNeverReplaced(t *testing.T) {
	t.Parallel()
	good := keyFile(t, crypto.Ed25519)
	flip := func(i int) []byte {
		b := []byte(string(good))
		b[i] ^= 1
		return b
	}
	for _, tt := range []struct {
		name string
		file []byte
		mode os.FileMode
		want string
	}{
		{"empty", nil, 0o600, "is damaged (it is empty)"},
		{"cut short", good[:40], 0o600, "is damaged (it is not a libp2p private key)"},
		{"text", []byte("not a key at all"), 0o600, "is damaged (it is not a libp2p private key)"},
		{"too long", make([]byte, 5000), 0o600, "is damaged (it is too long)"},
		{"a bit of the seed flipped", flip(10), 0o600, "is damaged (its two halves do not belong together)"},
		{"a bit of the public half flipped", flip(60), 0o600, "is damaged (its two halves do not belong together)"},
		{"another type", keyFile(t, crypto.Secp256k1), 0o600, "is of type Secp256k1; a host needs an Ed25519 key"},
		{"readable by the group", good, 0o640, "is open to other users (mode 0640); if nobody has read it, run: chmod 600"},
		{"writable by all", good, 0o602, "is open to other users (mode 0602); if nobody has read it, run: chmod 600"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "host.key")
			if err := os.WriteFile(path, tt.file, tt.mode); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(path, tt.mode); err != nil { // past the umask
				t.Fatal(err)
			}
			_, err := node.LoadOrCreateKey(path)
			if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), path) {
				t.Errorf("got  %v\nwant …%s…, with the path", err, tt.want)
			}
			after, err := os.ReadFile(path)
			if err != nil || string(after) != string(tt.file) {
				t.Errorf("the file was touched: %q, %v", after, err)
			}
		})
	}
	t.Run("a folder", func(t *testing.T) {
		if _, err := node.LoadOrCreateKey(t.TempDir()); err == nil {
			t.Error("got a key from a folder")
		}
	})
	t.Run("no folder", func(t *testing.T) {
		if _, err := node.LoadOrCreateKey(filepath.Join(t.TempDir(), "missing", "host.key")); err == nil {
			t.Error("got a key that is kept nowhere")
		}
	})
}

func keyFile(t *testing.T, typ int) []byte {
	t.Helper()
	priv, _, err := crypto.GenerateKeyPairWithReader(typ, 0, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	b, err := crypto.MarshalPrivateKey(priv)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
