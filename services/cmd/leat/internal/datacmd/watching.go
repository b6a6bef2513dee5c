package datacmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/leathq/leat/pkg/host"
	ingestorv1 "github.com/leathq/leat/proto/gen/leat/ingestor/v1"
)

const (
	againEvery = time.Second
	// againFor is how long an ingestor that is gone is waited for: another takes its place, or it is started again.
	againFor = time.Minute
)

func watchCommand() command {
	o := newShown()
	return ran(command{
		name: "watch", operands: "RUN", least: 1, most: 1, own: &o, about: "Watches a run to its end. Ctrl-C leaves the run going.",
		examples: []string{"leat data watch RUN", "leat data watch RUN --format json"},
	}, &o.AddrOption, func(ctx context.Context, c *caller) error { return c.watch(ctx, c.run(), o.Format) })
}

// watch shows a run until it ends, and says how that was.
func (c *caller) watch(ctx context.Context, run, format string) error {
	shown := newDisplay(c.streams, format)
	last, err := c.follow(ctx, run, shown)
	shown.close()
	switch {
	case ctx.Err() != nil:
		return &host.Exit{Code: exitNot, Err: fmt.Errorf("run %s goes on: watch it with `leat data watch %s%s`, end it with `leat data cancel %s%s`",
			run, run, c.elsewhere(), run, c.elsewhere())}
	case err != nil:
		return err
	}
	if format != jsonFormat {
		if err := c.summary(last); err != nil {
			return err
		}
	}
	return verdictOf(last)
}

// follow shows the states of a run and returns the last one. An ingestor that goes away is waited for.
func (c *caller) follow(ctx context.Context, run string, shown display) (last *ingestorv1.RunState, err error) {
	heard, missed := time.Now(), false
	for {
		last, err = c.stream(ctx, run, shown, func() { heard, missed = time.Now(), false }, last)
		if err == nil || ctx.Err() != nil {
			return last, err
		}
		passes := absent(err) || status.Code(err) == codes.Unavailable || status.Code(err) == codes.Canceled
		if last == nil && absent(err) || !passes || time.Since(heard) > againFor {
			return last, c.said(err)
		}
		if !missed {
			missed = true
			shown.note(fmt.Sprintf("the ingestor does not answer; the run goes on without this one: %v", c.said(err)))
		}
		select {
		case <-ctx.Done():
			return last, ctx.Err()
		case <-time.After(againEvery):
		}
	}
}

// stream shows what one call yields.
func (c *caller) stream(ctx context.Context, run string, shown display, heard func(), last *ingestorv1.RunState) (*ingestorv1.RunState, error) {
	w, err := c.WatchRun(ctx, &ingestorv1.WatchRunRequest{Run: run})
	if err != nil {
		return last, err
	}
	for {
		m, err := w.Recv()
		if errors.Is(err, io.EOF) {
			return last, nil
		}
		if err != nil {
			return last, err
		}
		heard()
		last = m.GetState()
		shown.show(last)
	}
}

// verdictOf is how a command about a run that has ended ends.
func verdictOf(s *ingestorv1.RunState) error {
	switch s.GetPhase() {
	case "complete", "skipped":
		return nil
	case "invalid":
		return &host.Exit{Code: exitNotValid, Err: fmt.Errorf("the checks of run %s do not hold", s.GetRun().GetId())}
	}
	return &host.Exit{Code: exitNot, Err: fmt.Errorf("run %s: %s", s.GetRun().GetId(), s.GetPhase())}
}
