package blob

import (
	"context"
	"errors"
	"io"
	"iter"

	"gocloud.dev/blob"
	"gocloud.dev/gcerrors"
)

// bucket is a store of one of gocloud's drivers.
type bucket struct{ b *blob.Bucket }

func (d bucket) put(ctx context.Context, key string, r io.Reader, absent bool) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	w, err := d.b.NewWriter(ctx, key, &blob.WriterOptions{IfNotExist: absent, ContentType: "application/octet-stream"})
	if err != nil {
		return known(err)
	}
	if _, err := io.Copy(w, r); err != nil {
		cancel() // before Close, which would make an object of the half
		return errors.Join(err, closed(w))
	}
	return known(w.Close())
}

// closed closes a writer whose context has ended; that it says so is no news.
func closed(w io.Closer) error {
	if err := w.Close(); !errors.Is(err, context.Canceled) && gcerrors.Code(err) != gcerrors.Canceled {
		return err
	}
	return nil
}

func (d bucket) get(ctx context.Context, key string, from, length int64) (io.ReadCloser, error) {
	r, err := d.b.NewRangeReader(ctx, key, from, length, nil)
	if err != nil {
		return nil, known(err)
	}
	return r, nil
}

func (d bucket) stat(ctx context.Context, key string) (Object, error) {
	a, err := d.b.Attributes(ctx, key)
	if err != nil {
		return Object{}, known(err)
	}
	return Object{key, a.Size, a.ModTime}, nil
}

func (d bucket) list(ctx context.Context, prefix string) iter.Seq2[Object, error] {
	return func(yield func(Object, error) bool) {
		for it := d.b.List(&blob.ListOptions{Prefix: prefix}); ; {
			o, err := it.Next(ctx)
			if err == io.EOF {
				return
			}
			if err != nil {
				yield(Object{}, known(err))
				return
			}
			if CheckKey(o.Key) == nil && !yield(Object{o.Key, o.Size, o.ModTime}, nil) { // others share the bucket
				return
			}
		}
	}
}

func (d bucket) remove(ctx context.Context, key string) error { return known(d.b.Delete(ctx, key)) }

func (d bucket) close() error { return d.b.Close() }

// known gives gocloud's codes our names.
func known(err error) error {
	switch {
	case err == nil:
		return nil
	case gcerrors.Code(err) == gcerrors.NotFound:
		return errors.Join(ErrNotFound, err)
	case gcerrors.Code(err) == gcerrors.FailedPrecondition, gcerrors.Code(err) == gcerrors.AlreadyExists:
		return errors.Join(ErrExists, err)
	}
	return err
}
