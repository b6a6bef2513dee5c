package dataset

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"regexp"
	"strings"
	"syscall"
	"time"

	"github.com/leathq/leat/pkg/blob"
)

// refresh is how old a shard must be to be written again where it is there already: GC then sees a young one. It is well below any
// grace that GC takes.
const refresh = 10 * time.Minute

var extensionForm = regexp.MustCompile(`^[a-z0-9]{1,16}$`)

func shardKey(digest, extension string) string {
	hex := strings.TrimPrefix(digest, "sha256:")
	return "shards/sha256/" + hex[:2] + "/" + hex + "." + extension
}

// Write keeps what fill writes as a file named by its content, with an extension such as "parquet". It returns Digest, Path and Bytes;
// the rest of the shard is the caller's. Content passes through a temporary file on this machine, as its name is only known at its
// end; memory is that of fill. An error of fill is in the one returned, and nothing is kept; blob.ErrNoSpace
// says that this machine or the store is full.
func (d *Datasets) Write(ctx context.Context, extension string, fill func(io.Writer) error) (s Shard, err error) {
	if !extensionForm.MatchString(extension) {
		return Shard{}, fmt.Errorf("write a shard: %.40q is no extension", extension)
	}
	p, err := newPending()
	if err != nil {
		return Shard{}, err
	}
	defer func() { err = errors.Join(err, p.drop()) }()
	if err := fill(p); err != nil {
		return Shard{}, p.explain(err)
	}
	return p.keep(ctx, d, extension)
}

// pending is a file whose name is not known yet, as that is its content's.
type pending struct {
	file *os.File
	hash hash.Hash
}

func newPending() (*pending, error) {
	f, err := os.CreateTemp("", "leat-shard-*")
	if err != nil {
		return nil, fmt.Errorf("write a shard: %w; set TMPDIR to a directory with room", err)
	}
	return &pending{file: f, hash: sha256.New()}, nil
}

func (p *pending) Write(b []byte) (int, error) {
	p.hash.Write(b)
	return p.file.Write(b)
}

// explain says what to do where this machine is full.
func (p *pending) explain(err error) error {
	if !errors.Is(err, syscall.ENOSPC) {
		return err
	}
	return fmt.Errorf("write a shard: %w: %s is full; free space there or set TMPDIR to a directory with room, then resume: %w", blob.ErrNoSpace, p.file.Name(), err)
}

// keep gives the file its name, and puts it into the store.
func (p *pending) keep(ctx context.Context, d *Datasets, extension string) (s Shard, err error) {
	s.Digest = "sha256:" + hex.EncodeToString(p.hash.Sum(nil))
	s.Path = shardKey(s.Digest, extension)
	if s.Bytes, err = p.file.Seek(0, io.SeekCurrent); err != nil {
		return Shard{}, fmt.Errorf("write a shard: %w", err)
	}
	return s, d.keep(ctx, s, p.file)
}

func (p *pending) drop() error { return errors.Join(p.file.Close(), os.Remove(p.file.Name())) }

// keep puts a file under its key where it is not there yet.
func (d *Datasets) keep(ctx context.Context, s Shard, f *os.File) error {
	o, err := d.store.Stat(ctx, s.Path)
	switch {
	case err == nil && o.Bytes == s.Bytes && time.Since(o.Modified) < refresh:
		return nil
	case err != nil && !errors.Is(err, blob.ErrNotFound):
		return err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("write a shard: %w", err)
	}
	return d.store.Put(ctx, s.Path, f)
}

// Open reads a shard or a file; content that is not the digest's ends in *blob.DigestError.
func (d *Datasets) Open(ctx context.Context, path, digest string) (io.ReadCloser, error) {
	return d.store.Verified(ctx, path, digest)
}
