package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"
)

// Run measures until the configured end, or until ctx ends, and reports what was measured so far in either case: the
// end of ctx is not an error. Progress lines go to progress, where it is not nil. An error means that nothing could be
// measured: a bad configuration, an unreadable workload, or no model name to be had.
func Run(ctx context.Context, cfg Config, progress io.Writer) (*Report, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	target, err := parseTarget(cfg.URL, cfg.Endpoint)
	if err != nil {
		return nil, err
	}
	header, err := cfg.header()
	if err != nil {
		return nil, err
	}
	if cfg.Model == "" && cfg.Workload.Input == "" {
		if cfg.Model, err = firstModel(ctx, target, header); err != nil {
			return nil, err
		}
	}
	bodies, err := newBodies(cfg)
	if err != nil {
		return nil, err
	}
	started := time.Now()
	r := &run{
		cfg: &cfg, bodies: bodies, transport: newTransport(cfg, target, header),
		start: started, from: started.Add(cfg.Warmup), until: farFuture(started),
	}
	if cfg.Duration > 0 {
		r.until = r.from.Add(cfg.Duration)
	}
	r.record = newRecorder(&cfg, r.from)
	return r.measure(ctx, progress)
}

// run is one measurement.
type run struct {
	cfg       *Config
	bodies    *bodies
	transport transport
	record    *recorder
	start     time.Time // of sending
	from      time.Time // of the window
	until     time.Time // no request is meant to leave at or after it
}

func farFuture(t time.Time) time.Time { return t.Add(100 * 365 * 24 * time.Hour) }

func (r *run) measure(ctx context.Context, progress io.Writer) (*Report, error) {
	watchCtx, stop := context.WithCancel(ctx)
	defer stop()
	own := Process{Name: "leat bench", PID: os.Getpid()}
	processes := watchProcesses(watchCtx, append([]Process{own}, r.cfg.Processes...), r.from, r.until)
	talking := make(chan struct{})
	go func() {
		defer close(talking)
		r.talk(watchCtx, progress)
	}()
	if r.cfg.Duration > 0 {
		r.record.closeAt(r.until)
	}
	context.AfterFunc(ctx, func() { r.record.closeAt(time.Now()) })
	if r.cfg.RPS > 0 {
		r.openLoop(ctx)
	} else {
		r.closedLoop(ctx)
	}
	r.record.closeAt(r.record.endOfWork())
	stop()
	<-talking
	return r.report(processes.stop(), ctx.Err() != nil), nil
}

// endOfWork is when the last answer ended: the end of the window of a run that is bounded by its number of requests.
func (r *recorder) endOfWork() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.lastEnd.Before(r.from) {
		return time.Now()
	}
	return r.lastEnd.Add(1) // the window is half open and holds the last end
}

// talk prints a line now and then.
func (r *run) talk(ctx context.Context, out io.Writer) {
	if out == nil || r.cfg.Progress <= 0 {
		return
	}
	tick := time.NewTicker(r.cfg.Progress)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			m := &r.record.measured
			phase := "measuring"
			if now.Before(r.from) {
				phase = "warming up"
			} else if !now.Before(r.until) {
				phase = "waiting for the last answers"
			}
			fmt.Fprintf(out, "%6.0fs  %s: %d answered, %d failed, p50 %s, p99 %s\n", now.Sub(r.start).Seconds(), phase,
				m.ok.Load(), m.failed.Load(), short(r.record.latency.Quantile(.5)), short(r.record.latency.Quantile(.99)))
		}
	}
}

// firstModel asks the server for its models and takes the first.
func firstModel(ctx context.Context, target target, header http.Header) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	address := target.base.JoinPath("v1/models").String()
	hint := func(err error) error { return fmt.Errorf("ask %s for a model: %w; or give --model", address, err) }
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return "", hint(err)
	}
	req.Header = header.Clone()
	req.Header.Set("Accept", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", hint(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return "", hint(fmt.Errorf("status %s", resp.Status))
	}
	var list struct {
		Data []struct {
			ID string `json:"id"`
		} `json:"data"`
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, 16<<20)).Decode(&list); err != nil {
		return "", hint(err)
	}
	if len(list.Data) == 0 {
		return "", hint(errors.New("the list is empty"))
	}
	return list.Data[0].ID, nil
}
