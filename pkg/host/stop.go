package host

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"
)

// ErrDrainDeadline is the cause with which the contexts of calls in flight end when --drain-timeout is over, and what
// Run returns, wrapped, when anything had to be cut off.
var ErrDrainDeadline = errors.New("drain deadline exceeded")

const (
	// CutTime is how long calls whose context ended at the drain deadline may take to say so to their clients.
	CutTime = 2 * time.Second
	// CloseTime bounds the closing of each thing that Open opened.
	CloseTime = 5 * time.Second
)

// wish is a service's for the end of the process.
type wish struct {
	reason string
	by     time.Time
}

// askToStop is Deps.Stop.
func (h *Host) askToStop(reason string, by time.Time) {
	select {
	case h.wishes <- wish{reason, by}:
	default: // it is asked for already
	}
}

// patience is how long a wait of the stop may take that begins now: at most d, and less where the process should be gone
// before. What has nothing left to do gets the moment that this takes, however late it is.
func (r *running) patience(d time.Duration) time.Duration {
	if r.by.IsZero() {
		return d
	}
	return min(d, max(CutTime, time.Until(r.by)))
}

// shutdown is the stop, in its only order. Each wait has a deadline.
func (r *running) shutdown() error {
	r.health.setPhase("stopping")
	if d := r.patience(r.cfg.Host.ReadyDelay); d > 0 {
		<-time.After(d)
	}
	calls := r.drainCalls()
	services := r.drainServices()
	r.stopHTTP()
	return errors.Join(calls, services, r.Close())
}

// stopHTTP closes the listener, which has said until now how the stop goes.
func (r *running) stopHTTP() {
	ctx, cancel := context.WithTimeout(context.Background(), CutTime)
	defer cancel()
	_ = r.http.Shutdown(ctx) // fails only by ctx, which Close answers
	_ = r.http.Server.Close()
}

// drainCalls takes no new calls and waits for those in flight; at the deadline their contexts end, and CutTime later
// their connections. The HTTP listener stays, for /ready, /health and /metrics, and refuses calls.
func (r *running) drainCalls() error {
	wait := r.patience(r.DrainTimeout)
	ctx, cancel := context.WithTimeout(context.Background(), wait+CutTime)
	defer cancel()
	r.noProbes()
	var cut error
	deadline := time.AfterFunc(wait, func() {
		r.cut(ErrDrainDeadline)
		r.http.stopReading()
	})
	var servers sync.WaitGroup
	servers.Go(func() { r.http.drain(ctx) })
	servers.Go(r.grpc.GracefulStop)
	drained := make(chan struct{})
	go func() { servers.Wait(); close(drained) }()
	select {
	case <-drained:
	case <-ctx.Done():
	}
	if http, grpc := r.http.inFlight.Load(), r.grpc.inFlight.Load(); http+grpc > 0 {
		cut = fmt.Errorf("%w: %d HTTP and %d gRPC calls were cut off after %s", ErrDrainDeadline, http, grpc, wait)
	} else if !deadline.Stop() {
		cut = fmt.Errorf("%w: calls still in flight after %s were ended", ErrDrainDeadline, wait)
	}
	if r.http.inFlight.Load() > 0 {
		_ = r.http.Server.Close() // whatever it could not close is closed with the process
	}
	r.grpc.Stop()
	r.cut(ErrDrainDeadline) // also releases the contexts
	return cut
}

// drainServices ends the services' context and waits until all have returned.
func (r *running) drainServices() error {
	r.stop()
	wait := r.patience(r.DrainTimeout)
	deadline := time.NewTimer(wait)
	defer deadline.Stop()
	var failed []error
	for len(r.left) > 0 {
		select {
		case res := <-r.ended:
			r.returned(res)
			if res.err != nil && !errors.Is(res.err, context.Canceled) {
				failed = append(failed, fmt.Errorf("%s: %w", res.name, res.err))
			}
		case <-deadline.C:
			left := strings.Join(r.left, ", ")
			return errors.Join(append(failed, fmt.Errorf("%w: %s had not stopped after %s", ErrDrainDeadline, left, wait))...)
		}
	}
	return errors.Join(failed...)
}

// Close closes what Open opened, last first, each within CloseTime. Run has done it already; only the first call does
// anything.
func (h *Host) Close() error {
	var failed []error
	h.closing.Do(func() {
		for i := len(h.closers) - 1; i >= 0; i-- {
			if err := closeWithin(h.closers[i]); err != nil {
				failed = append(failed, fmt.Errorf("close %s: %w", h.closers[i].name, err))
			}
		}
	})
	return errors.Join(failed...)
}

// closeWithin gives up on a closer that does not heed its context.
func closeWithin(c closer) error {
	ctx, cancel := context.WithTimeout(context.Background(), CloseTime)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- c.close(ctx) }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return fmt.Errorf("%w after %s", ErrDrainDeadline, CloseTime)
	}
}
