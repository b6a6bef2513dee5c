// Package blobtest has blob stores that misbehave as real ones do, for tests.
package blobtest

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"gocloud.dev/blob"
	"gocloud.dev/blob/driver"
	"gocloud.dev/gcerrors"
)

// Tight is a store in memory that has room for so many bytes; a write that does not fit fails as on a full disk. Whoever opens its URL in this process
// gets the same one. It is safe for concurrent use.
type Tight struct {
	mu   sync.Mutex
	room int64
	all  map[string][]byte
	url  string
}

// NewTight makes a store that is found under its URL until the process ends.
func NewTight(room int64) *Tight {
	scheme := "tight" + strings.ToLower(rand.Text())
	t := &Tight{room: room, all: map[string][]byte{}, url: scheme + "://store"}
	blob.DefaultURLMux().RegisterBucket(scheme, opener{t})
	return t
}

// URL is what blob.Open takes.
func (t *Tight) URL() string { return t.url }

// Grow makes room for more bytes.
func (t *Tight) Grow(more int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.room += more
}

type opener struct{ t *Tight }

// OpenBucketURL implements blob.BucketURLOpener.
func (o opener) OpenBucketURL(context.Context, *url.URL) (*blob.Bucket, error) {
	return blob.NewBucket(&tight{t: o.t}), nil
}

var errAbsent, errThere = errors.New("there is no such object"), errors.New("there is one already")

// tight is the driver. What the store does not use is refused.
type tight struct {
	driver.Bucket // of what is not implemented here: nil
	t             *Tight
}

func (b *tight) ErrorCode(err error) gcerrors.ErrorCode {
	switch {
	case errors.Is(err, errAbsent):
		return gcerrors.NotFound
	case errors.Is(err, errThere):
		return gcerrors.FailedPrecondition
	}
	return gcerrors.Unknown
}

func (b *tight) As(any) bool                    { return false }
func (b *tight) ErrorAs(err error, to any) bool { return errors.As(err, to) }
func (b *tight) Close() error                   { return nil }
func (b *tight) object(key string) (data []byte, err error) {
	b.t.mu.Lock()
	defer b.t.mu.Unlock()
	data, ok := b.t.all[key]
	if !ok {
		return nil, errAbsent
	}
	return data, nil
}

func (b *tight) Attributes(_ context.Context, key string) (*driver.Attributes, error) {
	data, err := b.object(key)
	if err != nil {
		return nil, err
	}
	return &driver.Attributes{Size: int64(len(data)), ModTime: time.Now()}, nil
}

func (b *tight) ListPaged(_ context.Context, o *driver.ListOptions) (*driver.ListPage, error) {
	b.t.mu.Lock()
	defer b.t.mu.Unlock()
	p := &driver.ListPage{}
	for _, key := range slices.Sorted(maps.Keys(b.t.all)) {
		if strings.HasPrefix(key, o.Prefix) {
			p.Objects = append(p.Objects, &driver.ListObject{Key: key, Size: int64(len(b.t.all[key])), ModTime: time.Now()})
		}
	}
	return p, nil
}

func (b *tight) NewRangeReader(_ context.Context, key string, from, length int64, _ *driver.ReaderOptions) (driver.Reader, error) {
	data, err := b.object(key)
	if err != nil {
		return nil, err
	}
	size := int64(len(data))
	data = data[min(from, size):]
	if length >= 0 {
		data = data[:min(length, int64(len(data)))]
	}
	return &reader{bytes.NewReader(data), driver.ReaderAttributes{Size: size, ModTime: time.Now()}}, nil
}

type reader struct {
	*bytes.Reader
	of driver.ReaderAttributes
}

func (r *reader) Close() error                         { return nil }
func (r *reader) As(any) bool                          { return false }
func (r *reader) Attributes() *driver.ReaderAttributes { return &r.of }

func (b *tight) NewTypedWriter(ctx context.Context, key, _ string, o *driver.WriterOptions) (driver.Writer, error) {
	return &writer{ctx: ctx, b: b, key: key, absent: o.IfNotExist}, nil
}

// writer keeps an object until it is whole.
type writer struct {
	bytes.Buffer
	ctx    context.Context //nolint:containedctx // the driver's contract: an ended one leaves no object
	b      *tight
	key    string
	absent bool
}

func (w *writer) Close() error {
	t := w.b.t
	t.mu.Lock()
	defer t.mu.Unlock()
	old, there := t.all[w.key]
	switch {
	case w.ctx.Err() != nil:
		return w.ctx.Err()
	case there && w.absent:
		return errThere
	case int64(w.Len()-len(old)) > t.room:
		return fmt.Errorf("write %s: %w", w.key, syscall.ENOSPC)
	}
	t.room -= int64(w.Len() - len(old))
	t.all[w.key] = w.Bytes()
	return nil
}

func (b *tight) Delete(_ context.Context, key string, _ *driver.DeleteOptions) error {
	b.t.mu.Lock()
	defer b.t.mu.Unlock()
	data, ok := b.t.all[key]
	if !ok {
		return errAbsent
	}
	b.t.room += int64(len(data))
	delete(b.t.all, key)
	return nil
}
