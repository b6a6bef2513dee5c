package assets

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"
)

// errIdle is the cause of a cut body.
var errIdle = errors.New("the server sent nothing for too long")

// idleReader cuts a body that stands still.
type idleReader struct {
	r     io.Reader
	cut   context.CancelCauseFunc
	limit time.Duration
}

func (i *idleReader) Read(p []byte) (int, error) {
	t := time.AfterFunc(i.limit, func() { i.cut(errIdle) })
	defer t.Stop()
	return i.r.Read(p)
}

// backOff waits 0.5, 1, 2, … seconds, at most 8.
func backOff(ctx context.Context, try int) error {
	t := time.NewTimer(min(500*time.Millisecond<<min(try, 5), 8*time.Second))
	defer t.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-t.C:
		return nil
	}
}

func noNetwork(host string, err error) error {
	return fmt.Errorf("no answer from %s (is there a network, and does HTTPS_PROXY name the proxy if one is needed?): %w", host, err)
}

func diskFullError(dir string, err error) error {
	return fmt.Errorf("the disk with %s is full; free some space, or set LEAT_CACHE to a directory on another disk; "+
		"what was fetched so far is kept there: %w", dir, err)
}
