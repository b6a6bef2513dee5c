package run

import (
	"context"
	"fmt"
	"os/exec"
	"strconv"
	"syscall"
	"time"
)

// idleStreams measures what an open stream that gets no tokens costs the gateway, in a process of its own.
func (b *bench) idleStreams(ctx context.Context) error {
	for _, n := range []int{1000, 3000} {
		took, err := b.idleStreamsOf(ctx, n)
		if err != nil {
			return err
		}
		b.say("idle: %d streams, gateway %.1f MB before, %.1f MB with them: %.1f kB each", n, took.before/1e6, took.after/1e6, took.each()/1e3)
		b.idle = append(b.idle, took)
	}
	return nil
}

// idleResult is resident memory of the gateway, in bytes.
type idleResult struct {
	streams       int
	before, after float64
}

func (r idleResult) each() float64 { return (r.after - r.before) / float64(r.streams) }

func (b *bench) idleStreamsOf(ctx context.Context, n int) (idleResult, error) {
	r := idleResult{streams: n}
	f, err := b.startFleet(ctx, separate)
	if err != nil {
		return r, err
	}
	defer f.stop()
	t := f.target(separate)
	if _, err := b.turn(ctx, f, t, fmt.Sprintf("idle-warmup-%d", n), []string{"--concurrency", "4", "--requests", "200"}); err != nil {
		return r, err
	}
	if err := f.pace(ctx, "1ms", "10m"); err != nil {
		return r, err
	}
	if r.before, err = rss(t.gateway.pid()); err != nil {
		return r, err
	}
	load := exec.CommandContext(ctx, b.leat, "bench", "http://"+t.address, "--model", "instant", "--concurrency", strconv.Itoa(n), "--ramp", "3s",
		"--requests", strconv.Itoa(n), "--progress", "0")
	if err := load.Start(); err != nil {
		return r, fmt.Errorf("start leat bench: %w", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- load.Wait() }()
	defer func() {
		_ = load.Process.Signal(syscall.SIGINT) // it may have ended
		if err := <-ended; err != nil {
			b.say("idle: leat bench: %v", err)
		}
	}()
	if err := f.upstream.await(ctx, f.open(n)); err != nil {
		return r, err
	}
	for range 4 { // some seconds with nothing but heartbeats
		select {
		case <-ctx.Done():
			return r, ctx.Err()
		case <-time.After(time.Second):
		}
		now, err := rss(t.gateway.pid())
		if err != nil {
			return r, err
		}
		r.after = max(r.after, now)
	}
	return r, f.open(n)(ctx) // they must still be there
}

// open checks that the upstream runs n streams.
func (f *fleet) open(n int) func(context.Context) error {
	return func(ctx context.Context) error {
		var status struct{ Active int }
		if err := getJSON(ctx, "http://"+f.control, &status); err != nil {
			return err
		}
		if status.Active != n {
			return fmt.Errorf("%d of %d streams are open", status.Active, n)
		}
		return nil
	}
}
