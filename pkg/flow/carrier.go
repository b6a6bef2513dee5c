package flow

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/leathq/leat/pkg/blob"
)

// storeMost is the longest wait between two tries to open the store.
const storeMost = 30 * time.Second

// Carrier carries data runs for a service: it opens the store, trying again for as long as that takes, then runs a Runner. Other services of the process
// have no need of either, so that the service is ready while they cannot be opened, and says why where it is asked for runs.
type Carrier struct {
	deps     Deps // without the store
	cfg      Config
	store    blob.Config
	sources  []Source
	handlers []Handler
	runner   atomic.Pointer[Runner] // nil until the store is open
	trouble  atomic.Pointer[error]  // why the store cannot be opened, while that is so
}

// NewCarrier makes a carrier. It opens nothing.
func NewCarrier(d Deps, cfg Config, store blob.Config, sources []Source, handlers ...Handler) *Carrier {
	return &Carrier{deps: d, cfg: cfg, store: store, sources: sources, handlers: handlers}
}

// Runner is nil until the store is open.
func (c *Carrier) Runner() *Runner { return c.runner.Load() }

// Held is why no run can be carried, where that was tried and cannot be told to pass soon: a store or a stream that cannot be opened.
func (c *Carrier) Held() error {
	if r := c.runner.Load(); r != nil {
		return r.Trouble()
	}
	if err := c.trouble.Load(); err != nil {
		return *err
	}
	return nil
}

// Ready is nil once the streams are open and the bus is up; and while Held says why they cannot be.
func (c *Carrier) Ready() error {
	if c.Held() != nil {
		return c.deps.Bus.Up()
	}
	r := c.runner.Load()
	if r == nil {
		return errors.New("the store is not open yet")
	}
	select {
	case <-r.Ready():
		return c.deps.Bus.Up()
	default:
		return errors.New("the streams of data runs are not open yet")
	}
}

// Run works on runs until ctx ends, lets go of what it holds and returns nil.
func (c *Carrier) Run(ctx context.Context) error {
	store := c.open(ctx)
	if store == nil {
		return nil
	}
	d := c.deps
	d.Blob = store
	r := New(d, c.cfg, c.sources, c.handlers...)
	c.runner.Store(r)
	return errors.Join(r.Run(ctx), store.Close())
}

// open opens the store, trying again for as long as it takes; nil when ctx ends before.
func (c *Carrier) open(ctx context.Context) *blob.Store {
	for wait := time.Second; ; wait = min(2*wait, storeMost) {
		store, err := blob.Open(ctx, c.store.URL)
		if err == nil {
			return store
		}
		err = fmt.Errorf("the store %s cannot be opened: %w; name another with --store (LEAT_STORE), or mend it: it is tried again", c.store.URL, err)
		c.trouble.Store(&err)
		c.deps.Log.Warn("no data runs", "error", err)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait):
		}
	}
}
