package h1

import (
	"context"
	"errors"
	"sync"
)

// ErrAgain is what a followed answer's Read returns where nothing has come: return from the step, it is called again.
var ErrAgain = errors.New("nothing has come yet")

// Follow calls step for what comes of a chunked body, whenever something has come, until step returns false or ctx ends;
// its error is ctx's. Meanwhile Read never waits. Steps of one answer never overlap, but any goroutine may make them, and
// they must not wait: one goroutine follows many answers, which saves each token a read that finds nothing and a switch
// of goroutines. ok is false, and nothing happened, where the body or the platform does not allow it.
func (r *Response) Follow(ctx context.Context, step func() (more bool)) (ok bool, err error) {
	cn := r.conn
	if !canFollow || !r.chunked || cn.raw == nil {
		return false, nil
	}
	w, err := cn.client.watcher()
	if err != nil {
		return false, nil //nolint:nilerr // it can be read by waiting
	}
	cn.now, cn.drained = true, true // what is buffered comes first
	if !step() {
		return true, nil
	}
	if cn.fd < 0 {
		if err := cn.detach(); err != nil {
			return true, err
		}
	}
	f := &followed{conn: cn, step: step, done: make(chan struct{})}
	if err := w.add(f); err != nil {
		return true, err
	}
	select {
	case <-f.done:
		w.remove(f)
		return true, nil
	case <-ctx.Done():
		f.mu.Lock()
		f.over = true
		f.mu.Unlock()
		w.remove(f)
		return true, context.Cause(ctx)
	}
}

// followed is an answer that a watcher follows.
type followed struct {
	conn *conn
	step func() bool
	done chan struct{}

	mu   sync.Mutex
	over bool
}

// arrived makes a step; closing says that the peer will send no more, so that a short read is not the last one.
func (f *followed) arrived(closing bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.over {
		return
	}
	f.conn.drained, f.conn.closing = false, f.conn.closing || closing
	if !f.step() {
		f.over = true
		close(f.done)
	}
}
