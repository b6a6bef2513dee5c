package assets

import (
	"bytes"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"os"
	"strings"
)

// digest is an expected checksum; the zero value expects nothing.
type digest struct {
	algo string // "sha256" or "sha512"
	sum  []byte
}

func (d digest) known() bool { return d.algo != "" }

func (d digest) String() string { return d.algo + ":" + hex.EncodeToString(d.sum) }

func (d digest) hash() (hash.Hash, error) {
	switch d.algo {
	case "sha256":
		return sha256.New(), nil
	case "sha512":
		return sha512.New(), nil
	}
	return nil, fmt.Errorf("unknown digest algorithm %q", d.algo)
}

// parseIntegrity reads the "sha512-<base64>" form of W3C subresource integrity.
func parseIntegrity(s string) (digest, error) {
	algo, b64, ok := strings.Cut(s, "-")
	sum, err := base64.StdEncoding.DecodeString(b64)
	if !ok || err != nil {
		return digest{}, fmt.Errorf("unreadable integrity %q: want sha512-<base64>", s)
	}
	return digest{algo, sum}.checked()
}

func parseHex(algo, s string) (digest, error) {
	sum, err := hex.DecodeString(s)
	if err != nil {
		return digest{}, fmt.Errorf("unreadable %s digest %q: %w", algo, s, err)
	}
	return digest{algo, sum}.checked()
}

// checked refuses an unknown algorithm and a sum of the wrong length.
func (d digest) checked() (digest, error) {
	h, err := d.hash()
	if err != nil {
		return digest{}, err
	}
	if len(d.sum) != h.Size() {
		return digest{}, fmt.Errorf("a %s digest has %d bytes, not %d", d.algo, h.Size(), len(d.sum))
	}
	return d, nil
}

// DigestError says that a file is not the one that was pinned.
type DigestError struct {
	File      string
	Want, Got string // "algorithm:hex"
}

func (e *DigestError) Error() string {
	return fmt.Sprintf("%s is not the pinned file: want %s, got %s; it is not used. "+
		"Run again; if it stays, a proxy or mirror changes the file", e.File, e.Want, e.Got)
}

// verify compares a whole file with the digest.
func (d digest) verify(path string) error {
	h, err := d.hash()
	if err != nil {
		return err
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := io.Copy(h, f); err != nil {
		return fmt.Errorf("read %s: %w", path, err)
	}
	if got := h.Sum(nil); !bytes.Equal(got, d.sum) {
		return &DigestError{File: path, Want: d.String(), Got: digest{d.algo, got}.String()}
	}
	return nil
}

// verifyIfKnown verifies, and accepts any file where nothing is expected.
func (d digest) verifyIfKnown(path string) error {
	if !d.known() {
		return nil
	}
	return d.verify(path)
}

// sha256File returns a file's sha256 in hex.
func sha256File(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", fmt.Errorf("read %s: %w", path, err)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
