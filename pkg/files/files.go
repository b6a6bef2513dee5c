// Package files keeps what users upload and what services make for them to download: one object each in a bucket of
// JetStream's object store, with its facts beside it.
//
// Every file belongs to a tenant; to others it does not exist. The package knows no HTTP and does not read what it keeps.
package files

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nuid"

	"github.com/leathq/leat/pkg/bus"
)

// Bucket is the object store.
const Bucket = "files"

// ErrNotFound says that a tenant has no such file: there never was one, it was deleted, or its time is over.
var ErrNotFound = errors.New("no such file")

// ErrFull says that the store has no room: its own limit, or the disk beneath it.
var ErrFull = errors.New("the file store is full")

// Config bounds the store. The zero Config is for who only uses it: a bucket that is there stays as it is.
type Config struct {
	MaxBytes int64  // of all files; 0: the disk's own limit
	Replicas int    // of the bucket; 0: 1
	Flag     string // names the setting of Replicas
}

// File is what is known of a file. Times are in whole seconds.
type File struct {
	ID      string // file-…
	Tenant  string
	Name    string // as the user called it
	Purpose string // batch, batch_output, …: OpenAI's names
	Bytes   int64
	Created time.Time
	Expires time.Time // zero: never
}

// expired says whether a file's time is over.
func (f *File) expired(now time.Time) bool { return !f.Expires.IsZero() && !now.Before(f.Expires) }

// Store is the files of all tenants. All methods are safe for concurrent use, in any number of processes.
type Store struct {
	bus *bus.Bus
	cfg Config

	mu      sync.Mutex
	objects jetstream.ObjectStore
}

// New makes a store; the bucket is opened, and created where it is missing, when it is first needed.
func New(b *bus.Bus, cfg Config) *Store { return &Store{bus: b, cfg: cfg} }

// Make makes the bucket where it is missing, so that a start can say how durable it is.
func (s *Store) Make(ctx context.Context) error {
	_, err := s.open(ctx)
	return err
}

// open is the bucket.
func (s *Store) open(ctx context.Context) (jetstream.ObjectStore, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.objects != nil {
		return s.objects, nil
	}
	var o jetstream.ObjectStore
	var err error = jetstream.ErrBucketNotFound
	if s.cfg == (Config{}) {
		o, err = s.bus.JetStream().ObjectStore(ctx, Bucket)
	}
	if errors.Is(err, jetstream.ErrBucketNotFound) {
		o, err = s.bus.JetStream().CreateOrUpdateObjectStore(ctx, jetstream.ObjectStoreConfig{
			Bucket: Bucket, Description: "uploaded and made files", Storage: jetstream.FileStorage,
			MaxBytes: max(s.cfg.MaxBytes, 0), Replicas: max(s.cfg.Replicas, 1),
		})
	}
	if err != nil {
		return nil, fmt.Errorf("open object store %s: %w", Bucket, err)
	}
	s.objects = o
	s.bus.Opened("OBJ_"+Bucket, s.cfg.Flag)
	return o, nil
}

// with calls use with the bucket, and once more with one that is opened anew where it turns out to be gone: NATS may have
// come back without its data.
func (s *Store) with(ctx context.Context, use func(jetstream.ObjectStore) error) error {
	o, err := s.open(ctx)
	if err != nil {
		return err
	}
	err = use(o)
	if !errors.Is(err, nats.ErrNoResponders) && !errors.Is(err, jetstream.ErrNoStreamResponse) &&
		!errors.Is(err, jetstream.ErrStreamNotFound) && !errors.Is(err, jetstream.ErrBucketNotFound) {
		return named(err)
	}
	s.mu.Lock()
	if s.objects == o {
		s.objects = nil
	}
	s.mu.Unlock()
	if o, err = s.open(ctx); err != nil {
		return err
	}
	return named(use(o))
}

// named turns NATS's errors into the package's own.
func named(err error) error {
	switch {
	case errors.Is(err, jetstream.ErrObjectNotFound):
		return ErrNotFound
	case bus.NoRoom(err):
		return fmt.Errorf("%w: %w", ErrFull, err)
	}
	return err
}

// Upload is a file that is being written: nobody sees it before Commit.
type Upload struct {
	s    *Store
	file File
}

// Put stores what r gives and returns the file, which nobody sees before Commit. An error, also one of r, leaves nothing
// behind. ErrFull is an error.
func (s *Store) Put(ctx context.Context, tenant, name string, r io.Reader) (*Upload, error) {
	return s.PutAs(ctx, "file-"+nuid.Next(), tenant, name, r)
}

// PutAs is Put with an id that the caller makes, so that what is made again after a crash takes the place of what was made
// before. The id must be a NATS token that begins with "file-" and is nobody else's.
func (s *Store) PutAs(ctx context.Context, id, tenant, name string, r io.Reader) (*Upload, error) {
	f := File{ID: id, Tenant: tenant, Name: name, Created: time.Now().Truncate(time.Second)}
	src := &source{ctx: ctx, r: r}
	ctx = context.WithoutCancel(ctx) // what was begun is taken away again after its sender left
	err := s.with(ctx, func(o jetstream.ObjectStore) error {
		if src.begun {
			return errors.New("the file store was lost while a file was written")
		}
		info, err := o.Put(ctx, jetstream.ObjectMeta{Name: f.ID, Metadata: map[string]string{"pending": "1", "tenant": tenant}}, src)
		if err != nil {
			return err
		}
		f.Bytes = int64(info.Size)
		return nil
	})
	switch {
	case src.err != nil:
		return nil, src.err
	case err != nil:
		return nil, fmt.Errorf("store file: %w", err)
	}
	return &Upload{s, f}, nil
}

// source fills whole chunks, whatever a network gives at a time, and remembers whether it was read and how that failed.
type source struct {
	ctx   context.Context
	r     io.Reader
	begun bool
	err   error
}

func (s *source) Read(p []byte) (n int, err error) {
	s.begun = true
	for n < len(p) && err == nil {
		var m int
		if err = s.ctx.Err(); err == nil {
			m, err = s.r.Read(p[n:])
		}
		n += m
	}
	if err != nil && err != io.EOF {
		s.err = err
		return 0, err
	}
	return n, err
}

// File is what will be known of the file.
func (u *Upload) File() File { return u.file }

// Commit makes the file visible, for its purpose and until it expires; a zero time is never.
func (u *Upload) Commit(ctx context.Context, purpose string, expires time.Time) (File, error) {
	u.file.Purpose = purpose
	if !expires.IsZero() {
		u.file.Expires = expires.Truncate(time.Second)
	}
	return u.file, u.s.with(ctx, func(o jetstream.ObjectStore) error {
		return o.UpdateMeta(ctx, u.file.ID, jetstream.ObjectMeta{Name: u.file.ID, Metadata: u.file.facts()})
	})
}

// Abort deletes what was stored.
func (u *Upload) Abort(ctx context.Context) error {
	return u.s.with(ctx, func(o jetstream.ObjectStore) error { return o.Delete(ctx, u.file.ID) })
}

// facts is the file as the object's metadata.
func (f *File) facts() map[string]string {
	m := map[string]string{
		"tenant": f.Tenant, "filename": f.Name, "purpose": f.Purpose, "created": strconv.FormatInt(f.Created.Unix(), 10),
	}
	if !f.Expires.IsZero() {
		m["expires"] = strconv.FormatInt(f.Expires.Unix(), 10)
	}
	return m
}

// fileOf reads the metadata back; ok is false for what is still being written.
func fileOf(info *jetstream.ObjectInfo) (f File, ok bool) {
	m := info.Metadata
	if m["pending"] != "" || m["tenant"] == "" {
		return f, false
	}
	f = File{ID: info.Name, Tenant: m["tenant"], Name: m["filename"], Purpose: m["purpose"], Bytes: int64(info.Size)}
	if sec, err := strconv.ParseInt(m["created"], 10, 64); err == nil {
		f.Created = time.Unix(sec, 0)
	}
	if sec, err := strconv.ParseInt(m["expires"], 10, 64); err == nil {
		f.Expires = time.Unix(sec, 0)
	}
	return f, true
}

// Get returns what is known of a tenant's file, or ErrNotFound.
func (s *Store) Get(ctx context.Context, tenant, id string) (f File, err error) {
	err = s.with(ctx, func(o jetstream.ObjectStore) error {
		info, err := o.GetInfo(ctx, id)
		if err != nil {
			return err
		}
		var ok bool
		if f, ok = fileOf(info); !ok || f.Tenant != tenant || f.expired(time.Now()) {
			return ErrNotFound
		}
		return nil
	})
	return f, err
}

// Open returns a tenant's file and its bytes, or ErrNotFound. Close the reader.
func (s *Store) Open(ctx context.Context, tenant, id string) (f File, r io.ReadCloser, err error) {
	if f, err = s.Get(ctx, tenant, id); err != nil {
		return f, nil, err
	}
	err = s.with(ctx, func(o jetstream.ObjectStore) error {
		r, err = o.Get(ctx, id)
		return err
	})
	return f, r, err
}

// Delete removes a tenant's file, or returns ErrNotFound.
func (s *Store) Delete(ctx context.Context, tenant, id string) error {
	if _, err := s.Get(ctx, tenant, id); err != nil {
		return err
	}
	return s.with(ctx, func(o jetstream.ObjectStore) error { return o.Delete(ctx, id) })
}

// List returns a tenant's files, the newest first.
func (s *Store) List(ctx context.Context, tenant string) (out []File, err error) {
	now := time.Now()
	err = s.each(ctx, func(f File, visible bool, _ *jetstream.ObjectInfo) {
		if visible && f.Tenant == tenant && !f.expired(now) {
			out = append(out, f)
		}
	})
	slices.SortFunc(out, func(a, b File) int {
		if c := b.Created.Compare(a.Created); c != 0 {
			return c
		}
		return strings.Compare(b.ID, a.ID)
	})
	return out, err
}

// each calls f for every object.
func (s *Store) each(ctx context.Context, f func(f File, visible bool, info *jetstream.ObjectInfo)) error {
	return s.with(ctx, func(o jetstream.ObjectStore) error {
		infos, err := o.List(ctx)
		if errors.Is(err, jetstream.ErrNoObjectsFound) {
			return nil
		}
		for _, info := range infos {
			file, ok := fileOf(info)
			f(file, ok, info)
		}
		return err
	})
}
