package router

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"strconv"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/leathq/leat/pkg/events"
)

// write claims or renews by compare-and-set against a revision; 0 or an expired entry is created.
func (o *ownership) write(ctx context.Context, k seatKey, v entry, revision uint64) {
	defer o.work.Done()
	ctx, cancel := context.WithTimeout(ctx, bucketReply)
	defer cancel()
	rev, err := o.put(ctx, k, v, revision)
	o.wrote(k, v, rev, err)
}

func (o *ownership) put(ctx context.Context, k seatKey, v entry, revision uint64) (uint64, error) {
	data, err := json.Marshal(v)
	if err != nil {
		return 0, err
	}
	if revision > 0 {
		rev, err := o.bucket().Update(ctx, k.lease(), data, revision)
		if err == nil || !conflict(err) {
			return rev, err
		}
	}
	return o.bucket().Create(ctx, k.lease(), data) // fails where there is an entry
}

func conflict(err error) bool {
	var api *jetstream.APIError
	return errors.Is(err, jetstream.ErrKeyExists) ||
		errors.As(err, &api) && api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence
}

// wrote takes in the end of a write; a claim that succeeded opens the partition.
func (o *ownership) wrote(k seatKey, v entry, rev uint64, err error) {
	claim := v.Epoch == 0
	o.mu.Lock()
	s := o.seat(k)
	if err != nil {
		s.Failed(conflict(err))
		o.mu.Unlock()
		o.suspect()
		if !conflict(err) {
			o.r.log.Warn("lease not written", "lease", k.lease(), "error", err)
		}
		return
	}
	if claim {
		v.Epoch = v.at(rev)
		s.Took(rev, v.Epoch, time.Now())
	} else {
		s.Took(rev, 0, time.Now())
	}
	mine, epoch, until := s.Mine(), s.Epoch, s.Until()
	o.mu.Unlock()
	p := o.r.known(k.pool)
	if !mine || p == nil {
		return
	}
	p.own(k.partition, epoch, until) // mu is not held: a pool's lock comes before it
	if claim {
		o.open(k, p, epoch)
	}
}

// open makes this router the subscriber of a partition that it has just claimed.
func (o *ownership) open(k seatKey, p *pool, epoch uint64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	s := o.seat(k)
	if !s.Mine() || s.calls != nil {
		return
	}
	calls, err := o.r.bus.Listen(events.Infer.Lane, o.r.onCall(p, k.partition), events.Infer.Name(k.pool, strconv.Itoa(int(k.partition))))
	if err != nil {
		o.r.log.Error("owned partition not opened", "pool", k.pool, "partition", k.partition, "error", err)
		return
	}
	s.calls = calls
	o.r.metrics.claims.Inc()
	o.r.log.Info("partition claimed", "pool", k.pool, "partition", k.partition, "epoch", epoch)
}

// stepDown stops acting as the owner of a partition with an epoch of at most upTo, and says whether it was one: what outdates an
// epoch may be heard twice, and says nothing of the one that it was claimed with in between. Its gateways hear no answer,
// probe, and find the new owner.
func (o *ownership) stepDown(k seatKey, upTo uint64) bool {
	o.mu.Lock()
	s := o.seat(k)
	owner := s.Owner
	if !s.Mine() || s.Epoch > upTo {
		o.mu.Unlock()
		return false
	}
	o.shut(s)
	s.Down(time.Now())
	o.mu.Unlock()
	if p := o.r.known(k.pool); p != nil {
		p.disown(k.partition)
	}
	o.r.metrics.stepDowns.Inc()
	o.r.log.Warn("partition given up", "pool", k.pool, "partition", k.partition, "owner", owner)
	return true
}

// shut ends the subscription of a seat; the caller holds mu.
func (o *ownership) shut(s *seat) {
	if s.calls != nil {
		s.calls.Stop()
		s.calls = nil
	}
}

// fenced notes that a worker or a gateway knows a newer epoch of a partition: somebody else owns it, or the lease bucket
// was lost and its revisions began anew. The bucket decides: where its entry is still ours, the partition is claimed again
// above that epoch, at once. It is called with the pool's lock held.
func (o *ownership) fenced(pool string, partition uint32, known uint64) {
	o.mu.Lock()
	k := seatKey{pool, partition}
	s := o.seat(k)
	s.Outdated(min(known, math.MaxInt64))
	stale, epoch := s.Mine() && (known == 0 || known >= s.Epoch), s.Epoch // else the word is of an epoch before ours
	o.mu.Unlock()
	switch {
	case stale && known == 0: // it does not say which
		go o.stepDown(k, epoch)
	case stale:
		go o.claimAbove(k, epoch)
	}
}

// claimAbove gives a partition up that has the given epoch, and claims it anew. Both are one step: a stop between them would leave a lease of ours
// that nobody gives back.
func (o *ownership) claimAbove(k seatKey, epoch uint64) {
	o.mu.Lock()
	if o.leaving {
		o.mu.Unlock()
		return
	}
	o.work.Add(1)
	o.mu.Unlock()
	defer o.work.Done()
	if !o.stepDown(k, epoch) {
		return // somebody was faster
	}
	o.mu.Lock()
	s := o.seat(k)
	begun := s.Begin(time.Now())
	v, revision := entry{Router: o.r.id, Floor: s.Floor}, s.Revision
	if begun {
		o.work.Add(1)
	}
	o.mu.Unlock()
	if begun {
		o.write(context.Background(), k, v, revision)
	}
}

// handOver gives every owned partition up in the bucket, so that standbys claim it at once. Calls and takeovers still
// arrive meanwhile; they begin nothing.
func (o *ownership) handOver(ctx context.Context) {
	o.mu.Lock()
	o.leaving = true
	o.mu.Unlock()
	o.work.Wait()
	o.mu.Lock()
	var leases []lastWord
	for k, s := range o.seats {
		leases = o.vacate(leases, k, s)
	}
	o.mu.Unlock()
	o.giveBack(ctx, leases)
}

// lastWord is a lease that was ours, and its revision.
type lastWord struct {
	lease    string
	revision uint64
}

// vacate ends a seat that is ours and adds its lease to those that are to be given back; the caller holds mu.
func (o *ownership) vacate(leases []lastWord, k seatKey, s *seat) []lastWord {
	if !s.Mine() {
		return leases
	}
	o.shut(s)
	s.Down(time.Now())
	return append(leases, lastWord{k.lease(), s.Revision})
}

// giveBack deletes leases. mu is not held: what arrives over the bus takes it, and the bucket's answers arrive there, too.
func (o *ownership) giveBack(ctx context.Context, leases []lastWord) {
	ctx, cancel := context.WithTimeout(ctx, bucketReply)
	defer cancel()
	for _, l := range leases {
		if err := o.bucket().Delete(ctx, l.lease, jetstream.LastRevision(l.revision)); err != nil && !conflict(err) {
			o.r.log.Warn("lease not given back, it will expire", "lease", l.lease, "error", err)
		}
	}
}

// dropPool forgets a pool that has had no worker for long.
func (o *ownership) dropPool(pool string) {
	o.mu.Lock()
	delete(o.pools, pool)
	var leases []lastWord
	for k, s := range o.seats {
		if k.pool == pool {
			leases = o.vacate(leases, k, s)
			delete(o.seats, k)
		}
	}
	o.mu.Unlock()
	o.giveBack(context.Background(), leases)
}
