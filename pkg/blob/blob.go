// Package blob keeps immutable objects under keys: shards, manifests, states, batches too large for a message. A store is a
// directory by default; memory for tests; S3, Google's and Azure's where the program links package blob/cloud (docs/adr/0025).
//
// It promises that an object is there whole or not at all, whoever dies when, and that of several PutIfAbsent of one key
// exactly one succeeds. It refuses to change objects in place, to know what is in them, and keys that could leave the store.
package blob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"time"
)

// What can be wrong with an object or its store; test with errors.Is.
var (
	ErrNotFound = errors.New("no such object")
	ErrExists   = errors.New("there is an object under this key already")
	ErrNoSpace  = errors.New("no space left in the blob store")
	ErrKey      = errors.New("not a key of the blob store")
)

// Object is what a store knows about an object without reading it.
type Object struct {
	Key      string
	Bytes    int64
	Modified time.Time
}

// driver is a kind of store. Keys have been checked. Errors of absence and of presence are ErrNotFound and ErrExists.
type driver interface {
	put(ctx context.Context, key string, r io.Reader, absent bool) error
	get(ctx context.Context, key string, from, length int64) (io.ReadCloser, error)
	stat(ctx context.Context, key string) (Object, error)
	list(ctx context.Context, prefix string) iter.Seq2[Object, error]
	remove(ctx context.Context, key string) error
	close() error
}

// Store is an open store. All methods may be called at once, also from several processes.
type Store struct {
	url    string // without passwords
	driver driver
}

// URL names the store in messages; passwords are hidden.
func (s *Store) URL() string { return s.url }

// Close lets go of the store.
func (s *Store) Close() error { return s.driver.close() }

// Put writes an object, over another one of that key if there is one. On an error nothing of it is to be seen.
func (s *Store) Put(ctx context.Context, key string, r io.Reader) error {
	return s.put(ctx, key, r, false)
}

// PutIfAbsent writes an object unless there is one under this key, which is ErrExists. Of several at once one succeeds.
func (s *Store) PutIfAbsent(ctx context.Context, key string, r io.Reader) error {
	return s.put(ctx, key, r, true)
}

func (s *Store) put(ctx context.Context, key string, r io.Reader, absent bool) error {
	if err := CheckKey(key); err != nil {
		return err
	}
	in := &counting{r: r, ctx: ctx}
	err := s.driver.put(ctx, key, in, absent)
	switch {
	case err == nil:
		return nil
	case full(err):
		return fmt.Errorf("%w: %s was full after %d bytes of %s, of which nothing is kept; free space there or name another store (blob.url), then resume: %w",
			ErrNoSpace, s.url, in.n, key, err)
	}
	return fmt.Errorf("write %s to %s: %w", key, s.url, err)
}

// Get reads an object from its start; ErrNotFound where there is none. The caller closes it.
func (s *Store) Get(ctx context.Context, key string) (io.ReadCloser, error) {
	if err := CheckKey(key); err != nil {
		return nil, err
	}
	r, err := s.driver.get(ctx, key, 0, -1)
	if err != nil {
		return nil, fmt.Errorf("read %s from %s: %w", key, s.url, err)
	}
	return r, nil
}

// Bytes reads an object that should be small whole; one longer than limit is refused after limit bytes.
func (s *Store) Bytes(ctx context.Context, key string, limit int64) ([]byte, error) {
	r, err := s.Get(ctx, key)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	data, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return nil, fmt.Errorf("read %s from %s: %w", key, s.url, err)
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("read %s from %s: it has more than the %d bytes that such an object may have", key, s.url, limit)
	}
	return data, nil
}

// Stat says how large an object is; ErrNotFound where there is none.
func (s *Store) Stat(ctx context.Context, key string) (Object, error) {
	if err := CheckKey(key); err != nil {
		return Object{}, err
	}
	o, err := s.driver.stat(ctx, key)
	if err != nil {
		return Object{}, fmt.Errorf("look at %s in %s: %w", key, s.url, err)
	}
	return o, nil
}

// List yields the objects whose keys begin with prefix, which is empty or ends with a slash, in no particular order. Objects
// that come or go meanwhile may be among them or not.
func (s *Store) List(ctx context.Context, prefix string) iter.Seq2[Object, error] {
	return func(yield func(Object, error) bool) {
		if err := checkPrefix(prefix); err != nil {
			yield(Object{}, err)
			return
		}
		for o, err := range s.driver.list(ctx, prefix) {
			if err != nil {
				err = fmt.Errorf("list %s of %s: %w", prefix, s.url, err)
			}
			if !yield(o, err) || err != nil {
				return
			}
		}
	}
}

// Delete removes an object; none under the key is no error.
func (s *Store) Delete(ctx context.Context, key string) error {
	if err := CheckKey(key); err != nil {
		return err
	}
	if err := s.driver.remove(ctx, key); err != nil && !errors.Is(err, ErrNotFound) {
		return fmt.Errorf("delete %s from %s: %w", key, s.url, err)
	}
	return nil
}

// counting counts what was read, and stops where the caller has left: a copy to a file looks at no context.
type counting struct {
	r   io.Reader
	ctx context.Context // of the one call that it is made for
	n   int64
}

func (c *counting) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}
