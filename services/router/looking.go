package router

import (
	"context"
	"errors"
	"math"
	"time"

	"github.com/leathq/leat/services/router/internal/lease"
)

const (
	lookSoon  = 25 * time.Millisecond  // between two looks at least
	lookEvery = 250 * time.Millisecond // how often seats are looked at though none is due: one may have changed
)

// run keeps the leases until ctx ends, then hands them over.
func (o *ownership) run(ctx context.Context) error {
	watch, err := o.openBucket(ctx)
	if err != nil {
		return err
	}
	if err := o.r.bus.OpenClaims(ctx); err != nil { // gateways need it, for large requests alone
		o.r.log.Warn("the store for large payloads is not there; requests above 512 KiB are refused", "error", err)
	}
	o.r.bus.OnReconnect(o.suspect)
	var next time.Time
	timer := time.NewTimer(lookSoon)
	defer timer.Stop()
	sooner := func(due time.Time) { // never later: entries of others may come all the time
		if soon := time.Now().Add(lookSoon); due.Before(soon) {
			due = soon
		}
		if due.Before(next) {
			next = due
			timer.Reset(time.Until(next))
		}
	}
	for {
		select {
		case <-ctx.Done():
			o.handOver(context.WithoutCancel(ctx))
			return nil
		case e, ok := <-watch.Updates():
			switch {
			case ok:
				if due, ok := o.seen(e); ok {
					sooner(due)
				}
			case ctx.Err() == nil:
				return errors.New("the watch of the leases ended: see NATS's log")
			}
		case <-o.hurry:
			sooner(time.Now())
		case <-timer.C:
			if o.doubt.Swap(false) && o.replaced(ctx) {
				watch = o.reopen(ctx, watch)
			}
			if o.r.loaded.Load() {
				o.look(ctx, time.Now())
			}
			next = o.nextLook(time.Now())
			timer.Reset(time.Until(next))
		}
	}
}

// suspect has the bucket looked at soon: it may be another one by now.
func (o *ownership) suspect() {
	o.doubt.Store(true)
	select {
	case o.hurry <- struct{}{}:
	default:
	}
}

// nextLook is when the seats are looked at next, after a look at now. Steps that end after it change seats; a look comes
// before these are due.
func (o *ownership) nextLook(now time.Time) time.Time {
	o.mu.Lock()
	defer o.mu.Unlock()
	next := now.Add(lookEvery)
	for _, s := range o.seats {
		if due := s.Due(); due.Before(next) {
			next = due
		}
	}
	if soon := now.Add(lookSoon); next.Before(soon) {
		return soon
	}
	return next
}

// look begins what the seats want done.
func (o *ownership) look(ctx context.Context, now time.Time) {
	var down []seatKey
	o.mu.Lock()
	for k, s := range o.seats {
		switch step := s.Next(now); step {
		case lease.StepDown:
			down = append(down, k)
		case lease.Claim, lease.Renew:
			value := entry{Router: o.r.id, Floor: s.Floor}
			if step == lease.Renew {
				value = entry{Router: o.r.id, Epoch: s.Epoch}
			}
			o.work.Add(1)
			// A write that the stop cuts off may have arrived: nobody would know that it must be given back.
			go o.write(context.WithoutCancel(ctx), k, value, s.Revision)
		}
	}
	o.mu.Unlock()
	for _, k := range down {
		o.stepDown(k, math.MaxUint64)
	}
}
