package node

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"

	"goop/shared/wire"
)

// maxKeyFile is more than any key of any type takes, in bytes.
const maxKeyFile = 4096

// Key is the Ed25519 key of a host or of a native member. The zero Key is no key.
type Key struct {
	priv crypto.PrivKey
	id   peer.ID
}

// NewKey makes a key that is kept nowhere.
func NewKey() (Key, error) {
	priv, _, err := crypto.GenerateEd25519Key(rand.Reader)
	if err != nil {
		return Key{}, fmt.Errorf("make a key: %w", err)
	}
	return keyOf(priv)
}

func keyOf(priv crypto.PrivKey) (Key, error) {
	id, err := peer.IDFromPrivateKey(priv)
	return Key{priv: priv, id: id}, err
}

// Peer is the id that belongs to the key.
func (k Key) Peer() wire.PeerID { return wire.PeerID(k.id.String()) }

func (k Key) valid() bool { return k.priv != nil }

// LoadOrCreateKey reads the key in the file at path, or makes one and writes it there when there is
// no such file. A file that is there is never written to: one that is damaged, of another type, or
// readable by others than its owner is an error that says what to do, because a new identity would
// cut every member off from a host that they know. The folder must exist.
//
// The format is libp2p's own (a protobuf of type and key), so that its tools can read it.
func LoadOrCreateKey(path string) (Key, error) {
	k, err := loadKey(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return k, err
	}
	k, err = NewKey()
	if err != nil {
		return Key{}, err
	}
	b, err := crypto.MarshalPrivateKey(k.priv)
	if err != nil {
		return Key{}, fmt.Errorf("make a key: %w", err)
	}
	switch err := writeNew(path, b); {
	case errors.Is(err, fs.ErrExist): // another process was faster: its key counts
		return loadKey(path)
	case err != nil:
		return Key{}, fmt.Errorf("write the identity key: %w", err)
	}
	return k, nil
}

func loadKey(path string) (Key, error) {
	f, err := os.Open(path)
	if err != nil {
		return Key{}, fmt.Errorf("read the identity key: %w", err)
	}
	defer f.Close()
	if err := checkPrivate(f); err != nil {
		return Key{}, err
	}
	b, err := io.ReadAll(io.LimitReader(f, maxKeyFile+1))
	if err != nil {
		return Key{}, fmt.Errorf("read the identity key: %w", err)
	}
	damaged := func(what string) error {
		return fmt.Errorf("identity key %s is damaged (%s); put a backup of it back, or move it away to begin with a new identity, which members will not take for this host", path, what)
	}
	switch {
	case len(b) == 0:
		return Key{}, damaged("it is empty")
	case len(b) > maxKeyFile:
		return Key{}, damaged("it is too long")
	}
	priv, err := crypto.UnmarshalPrivateKey(b)
	if err != nil {
		return Key{}, damaged("it is not a libp2p private key")
	}
	if priv.Type() != crypto.Ed25519 {
		return Key{}, fmt.Errorf("identity key %s is of type %s; a host needs an Ed25519 key", path, priv.Type())
	}
	// The file holds seed and public key. They are compared because a flipped bit in the seed is
	// still a key, only somebody else's.
	raw, err := priv.Raw()
	if err != nil || len(raw) != ed25519.PrivateKeySize {
		return Key{}, damaged("its length is wrong")
	}
	if !bytes.Equal(raw, ed25519.NewKeyFromSeed(raw[:ed25519.SeedSize])) {
		return Key{}, damaged("its two halves do not belong together")
	}
	return keyOf(priv)
}

// writeNew writes a file of mode 0600 that others see whole or not at all. It returns fs.ErrExist,
// and leaves everything as it is, when path is there.
func writeNew(path string, b []byte) (err error) {
	dir := filepath.Dir(path)
	tmp, err := os.CreateTemp(dir, "."+filepath.Base(path)+"-*") // mode 0600
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.Remove(tmp.Name())) }()
	if err := writeSynced(tmp, b); err != nil {
		return err
	}
	// A link, unlike a rename, does not replace what is there.
	switch err := os.Link(tmp.Name(), path); {
	case errors.Is(err, fs.ErrExist):
		return err
	case err != nil: // a file system without links
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return err
		}
		if err := writeSynced(f, b); err != nil {
			return errors.Join(err, os.Remove(path)) // ours alone: O_EXCL made it
		}
	}
	return syncDir(dir)
}

// writeSynced writes, syncs and closes f.
func writeSynced(f *os.File, b []byte) error {
	_, err := f.Write(b)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}
