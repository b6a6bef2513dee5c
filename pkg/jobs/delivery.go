package jobs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/leathq/leat/pkg/files"
)

// Delivery is a job in hand. It is kept alive until one of its ends is called: Done, Dead, Later, or Failed where that puts it off.
type Delivery struct {
	*Job
	c        *Client
	log      *slog.Logger
	msg      jetstream.Msg
	sequence uint64
	since    time.Time // when msg was published: the job may be older
	held     *running
	stop     context.CancelFunc // ends who does it
	tries    tries
	end      sync.Mutex // of msg, by what is said of the job or by passOn
	ended    bool
	passed   atomic.Bool // another message stands for the job, and msg is gone
}

// maxRequest bounds a request that lies in a file.
const maxRequest = 64 << 20

// do takes a message for a job and has it done, unless it has a result already.
func (d *dispatcher) do(ctx context.Context, m jetstream.Msg) {
	meta, err := m.Metadata()
	if err != nil {
		d.w.Log.Error("message of JOBS without metadata", "subject", m.Subject(), "error", err)
		_ = m.NakWithDelay(ackWait)
		return
	}
	job, bad := Read(m.Subject(), m.Headers(), m.Data(), meta.Sequence.Stream)
	job.Created, job.Delivered = created(m.Headers(), meta.Timestamp), int(meta.NumDelivered)
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	del := &Delivery{Job: job, c: d.c, log: d.w.Log, msg: m, sequence: meta.Sequence.Stream, since: meta.Timestamp, held: d.held, stop: stop}
	alive := make(chan struct{})
	go func() {
		defer close(alive)
		del.live(ctx, d.w.Lasting)
	}()
	defer func() {
		stop()
		<-alive
		if !del.ended { // whatever happened: it is tried again
			del.Later(time.Second)
		}
	}()
	switch r, err := d.c.Result(ctx, job.Kind, job.ID); {
	case err == nil: // done, or cancelled, before
		if d.w.Settled != nil {
			if err := d.w.Settled(ctx, job, r); err != nil {
				d.w.Log.Warn("a job that has its result is not settled; it comes again", "job", job.ID, "error", err)
				del.Later(time.Second)
				return
			}
		}
		del.forget(ctx)
		return
	case !errors.Is(err, ErrNoResult):
		del.Later(time.Second)
		return
	}
	if job.Delivered > 1 {
		if del.tries, err = d.c.triesOf(ctx, del.sequence); err != nil {
			del.Later(time.Second)
			return
		}
	}
	var wrong *Error
	if errors.As(bad, &wrong) {
		del.Dead(ctx, wrong.Code, wrong.Reason, nil)
		return
	}
	if age := time.Since(del.since); age > d.c.cfg.MaxAge && !d.w.Lasting {
		del.Dead(ctx, "job_expired", "The job was not done within "+d.c.cfg.MaxAge.String()+" of its publication.", nil)
		return
	}
	if n := del.tries.lost(job.Delivered); n > maxLost && !d.w.Lasting {
		del.Dead(ctx, "job_lost_too_often", fmt.Sprintf(
			"The job was lost %d times with the process that had it. Look into the gateways' logs for what it does to them before you requeue it.", n), nil)
		return
	}
	if job.File != "" && !del.fetched(ctx) {
		return
	}
	d.held.add(del)
	defer d.held.remove(del)
	d.w.Do(ctx, del)
}

// fetched reads the request that lies in a file, or ends the delivery. That of a job that lasts may be gone: whoever began it has read it.
func (d *Delivery) fetched(ctx context.Context) bool {
	var err error
	d.Request, err = d.c.fetch(ctx, d.Tenant, d.File, maxRequest)
	switch {
	case err == nil, errors.Is(err, files.ErrNotFound) && d.Headers.Get(HeaderCreated) != "":
		return true
	case errors.Is(err, files.ErrNotFound):
		d.Dead(ctx, "file_not_found", "The file "+d.File+" that holds the request is gone.", nil)
	default:
		d.Later(time.Second)
	}
	return false
}

// live tells NATS that the job is in hand. One that lasts is published again before it is too old.
func (d *Delivery) live(ctx context.Context, lasting bool) {
	tick := time.NewTicker(ackWait / 3)
	defer tick.Stop()
	var old <-chan time.Time
	if lasting {
		old = time.After(time.Until(d.since.Add(d.c.mostAge(ctx))))
	}
	for {
		select {
		case <-ctx.Done():
			return
		case <-old:
			err := d.passOn(ctx)
			if err == nil {
				return
			}
			d.log.Warn("a job that lasts is not published again; trying again", "job", d.ID, "error", err)
			old = time.After(ackWait)
		case <-tick.C:
			if err := d.msg.InProgress(); err != nil {
				d.log.Debug("job not kept alive", "job", d.ID, "error", err)
			}
		}
	}
}

// Done gives the job its result and takes it off the queue. Where that fails it is done again later, and where it has got a
// result meanwhile, that stays.
func (d *Delivery) Done(ctx context.Context, r *Result) {
	ctx = context.WithoutCancel(ctx)
	d.fill(r)
	if err := d.c.publish(ctx, d.Job, r); err != nil && !errors.Is(err, ErrHasResult) {
		d.log.Warn("result not published; the job will be done again", "job", d.ID, "error", err)
		d.Later(5 * time.Second)
		return
	}
	d.forget(ctx)
}

func (d *Delivery) fill(r *Result) {
	r.Job, r.Kind, r.Tenant, r.Class, r.Created = d.ID, d.Kind, d.Tenant, d.Class, d.Created
	r.Finished = time.Now()
}

// Dead puts the job on the dead-letter stream with its reason, gives it a result that says so, and takes it off the queue. r
// is that result, or nil for one of the reason alone.
func (d *Delivery) Dead(ctx context.Context, code, reason string, r *Result) {
	ctx = context.WithoutCancel(ctx)
	attempts := d.Delivered
	if r == nil {
		r = &Result{Status: 400, Response: errorBody(code, reason), Attempts: attempts}
	} else {
		attempts = r.Attempts
	}
	if err := d.c.bury(ctx, d.Job, d.msg.Data(), d.sequence, code, reason, attempts); err != nil {
		d.log.Warn("dead letter not published; the job will be tried again", "job", d.ID, "error", err)
		d.Later(5 * time.Second)
		return
	}
	d.log.Warn("job failed for good", "job", d.ID, "kind", d.Kind, "code", code, "attempts", attempts)
	d.Done(ctx, r)
}

// Later puts the job off for want of room, or because its holder stops: no fault of the job, which does not count.
func (d *Delivery) Later(delay time.Duration) {
	d.tries.Waited++
	d.putOff(delay)
}

// Failed counts a failure of the job, by whoever had it, and puts it off by the delay that belongs to it. It is false, and the
// job still in hand, where there is none any more.
func (d *Delivery) Failed(delays []time.Duration) bool {
	d.tries.Failed++
	if d.tries.Failed > len(delays) {
		return false
	}
	d.putOff(delays[d.tries.Failed-1])
	return true
}

func (d *Delivery) putOff(delay time.Duration) {
	d.end.Lock()
	defer d.end.Unlock()
	d.ended = true
	if d.passed.Load() {
		return
	}
	d.note()
	if err := d.msg.NakWithDelay(delay); err != nil {
		d.log.Debug("job not given back; it comes again by itself", "job", d.ID, "error", err)
	}
}

// forget takes the job off the queue.
func (d *Delivery) forget(ctx context.Context) {
	d.end.Lock()
	defer d.end.Unlock()
	d.ended = true
	if d.passed.Load() { // who gets its other message finds its result
		return
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	if err := d.msg.DoubleAck(ctx); err != nil {
		d.log.Debug("job not taken off the queue; its result will do that", "job", d.ID, "error", err)
	}
}
