package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/leathq/leat/pkg/bus"
	"github.com/leathq/leat/pkg/conf"
	"github.com/leathq/leat/pkg/events"
	inferv1 "github.com/leathq/leat/proto/gen/leat/infer/v1"
)

// drain makes a worker leave the fleet.
func drain(ctx context.Context, args, _ []string) error {
	cfg := bus.DefaultConfig()
	fs := flag.NewFlagSet("leat drain", flag.ContinueOnError)
	worker := fs.String("worker", "", "`NAME` of the worker, as leat status shows it")
	grace := fs.Duration("grace", 0, "how long what it runs may take to finish; 0: the worker's own setting")
	fs.StringVar(&cfg.URL, "nats", cfg.URL, "`URL` of the fleet's NATS")
	fs.StringVar(&cfg.Creds, "nats-creds", "", "`FILE` with NATS credentials")
	about := "Makes a worker leave: it takes nothing new, hands back what has not begun, finishes the rest within the grace period, and leaves the fleet. Its process stays until it is stopped, so that nothing starts it again."
	if err := flags(fs, args, about); err != nil {
		return err
	}
	if *worker == "" || *grace < 0 {
		return &conf.Error{Usage: true, Problems: []string{"name the worker with --worker (leat status shows them), and a grace period of 0 or more; see leat drain --help"}}
	}
	b, err := bus.Connect(ctx, cfg, bus.Options{Name: "leat-drain"})
	if err != nil {
		return err
	}
	defer func() { _ = b.Close(context.WithoutCancel(ctx)) }() // nothing is in flight any more
	if err := askToLeave(ctx, b, *worker, *grace); err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "worker %s leaves: it takes nothing new, and is gone from leat status when what it runs has finished; its process may be stopped then\n", *worker)
	return nil
}

// askToLeave tells a worker to leave, and returns once it has heard.
func askToLeave(ctx context.Context, b *bus.Bus, worker string, grace time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	c := &inferv1.Control{Control: &inferv1.Control_Drain{Drain: &inferv1.Drain{GraceMs: grace.Milliseconds()}}}
	err := b.Request(ctx, events.Control.Name(bus.Token(worker)), c, &inferv1.Pong{})
	switch {
	case errors.Is(err, nats.ErrNoResponders):
		return fmt.Errorf("no worker named %s is in the fleet: leat status shows them", worker)
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("worker %s did not answer within 10 s; it may be frozen: stop its process", worker)
	case err != nil:
		return fmt.Errorf("ask worker %s: %w", worker, err)
	}
	return nil
}
