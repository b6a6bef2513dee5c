package jobs

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/leathq/leat/pkg/bus"
	"github.com/leathq/leat/pkg/events"
	"github.com/leathq/leat/pkg/files"
	jobsv1 "github.com/leathq/leat/proto/gen/leat/jobs/v1"
)

var (
	// ErrFull says that a tenant's queue, or the stream, takes no more jobs now.
	ErrFull = errors.New("the queue of jobs is full")
	// ErrNoResult says that a job has no result, yet or at all.
	ErrNoResult = errors.New("no result")
	// ErrHasResult says that a job has a result already, which stays.
	ErrHasResult = errors.New("the job has a result already")
)

// storeFailed is JetStream's code for a message that a stream does not take: its subject, or the stream, is full.
const storeFailed jetstream.ErrorCode = 10077

// StatusCancelled is a cancelled job's status, nginx's for a client that left.
const StatusCancelled = 499

// Client publishes jobs and reads what became of them. It is safe for concurrent use.
type Client struct {
	bus   *bus.Bus
	files *files.Store
	cfg   Config

	mu      sync.Mutex
	streams map[string]jetstream.Stream
	kv      jetstream.KeyValue // of tries
}

// New makes a client; the streams must have been opened with Ensure by somebody, and with what is too large for a message
// goes through the store of files.
func New(b *bus.Bus, f *files.Store, cfg Config) *Client {
	return &Client{bus: b, files: f, cfg: cfg, streams: map[string]jetstream.Stream{}}
}

// stream is a handle, without asking for it each time.
func (c *Client) stream(ctx context.Context, name string) (jetstream.Stream, error) {
	c.mu.Lock()
	s := c.streams[name]
	c.mu.Unlock()
	if s != nil {
		return s, nil
	}
	s, err := c.bus.JetStream().Stream(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("open stream %s: %w", name, err)
	}
	c.mu.Lock()
	c.streams[name] = s
	c.mu.Unlock()
	return s, nil
}

// Submit publishes a job. Publishing an id again within ten minutes changes nothing, which duplicate says; later it may be
// queued again, but never has a second result. ErrFull: later.
func (c *Client) Submit(ctx context.Context, j *Job) (duplicate bool, err error) {
	if c.bus.TooLarge(len(j.Request)) {
		large := *j
		if large.File, err = c.park(ctx, "file-job-"+j.Kind+"-"+j.ID, j.Tenant, "job_request", j.Request, c.cfg.MaxAge+slack); err != nil {
			return false, err
		}
		large.Request = nil
		j = &large
	}
	m, err := j.message()
	if err != nil {
		return false, err
	}
	ack, err := c.bus.JetStream().PublishMsg(ctx, m)
	var api *jetstream.APIError
	if errors.As(err, &api) && api.ErrorCode == storeFailed {
		return false, fmt.Errorf("%w: %s", ErrFull, api.Description)
	}
	if err != nil {
		return false, fmt.Errorf("publish job %s: %w", j.ID, err)
	}
	return ack.Duplicate, nil
}

// park stores what is too large for a message.
func (c *Client) park(ctx context.Context, id, tenant, purpose string, data []byte, keep time.Duration) (string, error) {
	up, err := c.files.PutAs(ctx, id, tenant, id+".json", bytes.NewReader(data))
	if err != nil {
		return "", err
	}
	f, err := up.Commit(ctx, purpose, time.Now().Add(keep))
	return f.ID, err
}

// fetch reads what was parked.
func (c *Client) fetch(ctx context.Context, tenant, id string, limit int64) ([]byte, error) {
	f, r, err := c.files.Open(ctx, tenant, id)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	if f.Bytes > limit {
		return nil, fmt.Errorf("file %s of %d bytes is above the limit of %d", id, f.Bytes, limit)
	}
	return io.ReadAll(r)
}

// Result is what became of a job, or ErrNoResult.
func (c *Client) Result(ctx context.Context, kind, id string) (*Result, error) {
	s, err := c.stream(ctx, events.ResultsStream)
	if err != nil {
		return nil, err
	}
	m, err := s.GetLastMsgForSubject(ctx, events.Results.Name(kind, id))
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return nil, ErrNoResult
	}
	if err != nil {
		return nil, fmt.Errorf("read result of %s: %w", id, err)
	}
	return ReadResult(m.Header, m.Data)
}

// Response is a result's answer, also where it was too large for a message; limit bounds what is read, in bytes.
func (c *Client) Response(ctx context.Context, r *Result, limit int64) ([]byte, error) {
	if r.File == "" {
		return r.Response, nil
	}
	return c.fetch(ctx, r.Tenant, r.File, limit)
}

// Results calls each for every result of a kind from since on, and for those to come, until ctx ends or each returns false.
func (c *Client) Results(ctx context.Context, kind string, since time.Time, each func(*Result) bool) error {
	cons, err := c.bus.JetStream().OrderedConsumer(ctx, events.ResultsStream, jetstream.OrderedConsumerConfig{
		FilterSubjects: []string{events.Results.Name(kind, "*")}, DeliverPolicy: jetstream.DeliverByStartTimePolicy, OptStartTime: &since,
	})
	if err != nil {
		return fmt.Errorf("read results: %w", err)
	}
	for ctx.Err() == nil {
		m, err := cons.Next(jetstream.FetchMaxWait(time.Second))
		if errors.Is(err, nats.ErrTimeout) {
			continue
		}
		if err != nil {
			return fmt.Errorf("read results: %w", err)
		}
		r, err := ReadResult(m.Headers(), m.Data())
		if err != nil {
			return err
		}
		if !each(r) {
			return nil
		}
	}
	return ctx.Err()
}

// publish gives a job its result. ErrHasResult: it has one, which stays.
func (c *Client) publish(ctx context.Context, j *Job, r *Result) error {
	if c.bus.TooLarge(len(r.Response)) {
		large := *r
		var err error
		if large.File, err = c.park(ctx, "file-result-"+r.Kind+"-"+r.Job, r.Tenant, "job_result", r.Response, c.cfg.KeepFor); err != nil {
			return err
		}
		large.Response = nil
		r = &large
	}
	m, err := r.message(j)
	if err != nil {
		return err
	}
	_, err = c.bus.JetStream().PublishMsg(ctx, m)
	var api *jetstream.APIError
	if errors.As(err, &api) && api.ErrorCode == storeFailed {
		if _, got := c.Result(ctx, r.Kind, r.Job); got == nil {
			return ErrHasResult
		}
	}
	if err != nil {
		return fmt.Errorf("publish result of %s: %w", r.Job, err)
	}
	return nil
}

// Cancel gives a job the result that it was cancelled, and tells whoever runs it. Where it has a result already that stays:
// ErrHasResult. Nobody knows whether there ever was such a job.
func (c *Client) Cancel(ctx context.Context, tenant, kind, id string) error {
	now := time.Now()
	body, err := json.Marshal(map[string]any{"error": map[string]any{
		"message": "The job was cancelled.", "type": "cancelled", "param": nil, "code": "job_cancelled",
	}})
	if err != nil {
		return fmt.Errorf("encode result: %w", err)
	}
	if err := c.publish(ctx, &Job{}, &Result{Job: id, Kind: kind, Tenant: tenant, Status: StatusCancelled, Response: body, Finished: now}); err != nil {
		return err
	}
	return c.bus.Publish(bus.Control, events.JobCancels.Name(kind, id), "", &jobsv1.Cancel{Kind: kind, Job: id})
}
