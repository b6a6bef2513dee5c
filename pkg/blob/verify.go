package blob

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"strings"
)

// DigestError says that an object is not what its name or its manifest promises: it was damaged or replaced.
type DigestError struct{ Key, Want, Got string }

// Error says which object and what to do.
func (e *DigestError) Error() string {
	return fmt.Sprintf("%s is damaged: its content has the digest %s, not %s; delete it and run again what wrote it", e.Key, e.Got, e.Want)
}

// Verified is Get of an object whose content has the digest ("sha256:<64 hex>"): at the end of one that has not, Read says
// *DigestError in place of io.EOF. Who stops before the end has checked nothing.
func (s *Store) Verified(ctx context.Context, key, digest string) (io.ReadCloser, error) {
	if raw, ok := strings.CutPrefix(digest, "sha256:"); !ok || len(raw) != 64 {
		return nil, fmt.Errorf("read %s: %.80q is not a digest (sha256: and 64 hexadecimal digits)", key, digest)
	}
	r, err := s.Get(ctx, key)
	if err != nil {
		return nil, err
	}
	return &verifying{ReadCloser: r, hash: sha256.New(), key: key, want: digest}, nil
}

type verifying struct {
	io.ReadCloser
	hash      hash.Hash
	key, want string
}

func (v *verifying) Read(p []byte) (int, error) {
	n, err := v.ReadCloser.Read(p)
	v.hash.Write(p[:n])
	if err == io.EOF {
		if got := "sha256:" + hex.EncodeToString(v.hash.Sum(nil)); got != v.want {
			return n, &DigestError{v.key, v.want, got}
		}
	}
	return n, err
}
