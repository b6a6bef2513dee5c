package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

	"gocloud.dev/blob"
	"gocloud.dev/gcerrors"

	"github.com/leathq/leat/services/ingestor/internal/source"
	"github.com/leathq/leat/services/ingestor/internal/source/files"
)

// tree is a bucket as files.Tree. A name is a key.
type tree struct {
	ctx    context.Context // files.File has no room for it: the program's
	bucket *blob.Bucket
}

var _ files.Tree = (*tree)(nil)

// List implements files.Tree. A pattern that is no glob is an object or a prefix that ends at a slash; "" and "." are the whole bucket.
func (t *tree) List(ctx context.Context, patterns []string, take func(name string) bool) ([]files.Entry, error) {
	found := map[string]files.Entry{}
	for _, p := range patterns {
		p = strings.TrimPrefix(strings.TrimPrefix(p, "./"), "/")
		if p == "." {
			p = ""
		}
		if p != "" && !files.IsPattern(p) {
			e, err := t.Stat(ctx, p)
			if err == nil {
				found[p] = e
				continue
			}
			if source.CodeOf(err) != source.Missing {
				return nil, err
			}
			p = strings.TrimSuffix(p, "/") + "/"
		}
		if err := t.match(ctx, p, take, found); err != nil {
			return nil, err
		}
	}
	out := make([]files.Entry, 0, len(found))
	for _, e := range found {
		out = append(out, e)
	}
	slices.SortFunc(out, func(a, b files.Entry) int { return strings.Compare(a.Name, b.Name) })
	return out, nil
}

func (t *tree) match(ctx context.Context, pattern string, take func(string) bool, found map[string]files.Entry) error {
	prefix := pattern
	if i := strings.IndexAny(pattern, "*?["); i >= 0 {
		prefix = pattern[:i]
	}
	for it := t.bucket.List(&blob.ListOptions{Prefix: prefix}); ; {
		o, err := it.Next(ctx)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return inaccessible("a listing of "+prefix, err)
		}
		switch {
		case o.IsDir || strings.HasSuffix(o.Key, "/"):
		case prefix != pattern && files.Match(pattern, o.Key), prefix == pattern && !hidden(o.Key[len(prefix):]) && take(o.Key):
			e, err := t.Stat(ctx, o.Key) // a listing has no version
			if err != nil {
				return err
			}
			found[o.Key] = e
		}
	}
}

// hidden is what a folder's listing leaves out: what writers put beside their files, as in local directories.
func hidden(key string) bool {
	return slices.ContainsFunc(strings.Split(key, "/"), func(s string) bool { return strings.HasPrefix(s, ".") || strings.HasPrefix(s, "_") })
}

// Stat implements files.Tree.
func (t *tree) Stat(ctx context.Context, name string) (files.Entry, error) {
	a, err := t.bucket.Attributes(ctx, name)
	if err != nil {
		return files.Entry{}, inaccessible(name, err)
	}
	return files.Entry{Name: name, Size: a.Size, Modified: a.ModTime.UTC(), Version: a.ETag}, nil
}

// Open implements files.Tree.
func (t *tree) Open(ctx context.Context, name string) (files.File, error) {
	e, err := t.Stat(ctx, name)
	if err != nil {
		return nil, err
	}
	return &object{t: t, name: name, size: e.Size}, nil
}

func inaccessible(name string, err error) error {
	switch gcerrors.Code(err) {
	case gcerrors.NotFound:
		return source.Errorf(source.Missing, "%s: there is no such object; check `path` and `bucket`: %w", name, err)
	case gcerrors.PermissionDenied:
		return source.Errorf(source.Denied, "%s: must not be read; check the credentials in the ingestor's environment: %w", name, err)
	}
	return fmt.Errorf("%s: %w", name, err)
}

// ahead is how much is fetched beyond what is asked for where an object is read in order: a request costs more than the bytes.
const ahead = 4 << 20

// object is read by ranges. Reads in order, which come in small pieces, share a fetch; the others, such as of a footer, get what they ask for.
type object struct {
	t    *tree
	name string
	size int64

	mu     sync.Mutex
	from   int64
	window []byte
}

func (o *object) Size() int64 { return o.size }

// Close implements io.Closer.
func (o *object) Close() error { return nil }

// ReadAt implements io.ReaderAt.
func (o *object) ReadAt(p []byte, off int64) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	n := 0
	for n < len(p) {
		at := off + int64(n)
		if at < 0 || at >= o.size {
			return n, io.EOF
		}
		if at < o.from || at >= o.from+int64(len(o.window)) {
			if err := o.fetch(at, int64(len(p)-n)); err != nil {
				return n, err
			}
		}
		n += copy(p[n:], o.window[at-o.from:])
	}
	return n, nil
}

func (o *object) fetch(at, want int64) error {
	if at == o.from+int64(len(o.window)) { // the beginning too: from and window are empty
		want = max(want, ahead)
	}
	want = min(want, o.size-at)
	r, err := o.t.bucket.NewRangeReader(o.t.ctx, o.name, at, want, nil)
	if err != nil {
		return inaccessible(o.name, err)
	}
	defer func() { _ = r.Close() }()
	if r.Size() != o.size {
		return source.Errorf(source.Changed, "%s was changed after the run was planned (then %d bytes, now %d); let whoever writes it finish, then start a new run", o.name, o.size, r.Size())
	}
	if int64(cap(o.window)) < want {
		o.window = make([]byte, want)
	}
	o.from, o.window = at, o.window[:want]
	if n, err := io.ReadFull(r, o.window); err != nil {
		o.window = o.window[:0]
		return fmt.Errorf("%s: the store sent %d of %d bytes: %w", o.name, n, want, err)
	}
	return nil
}
