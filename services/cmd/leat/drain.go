package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/leathq/leat/pkg/bus"
	"github.com/leathq/leat/pkg/conf"
	"github.com/leathq/leat/pkg/events"
	inferv1 "github.com/leathq/leat/proto/gen/leat/infer/v1"
	"github.com/leathq/leat/services/cmd/leat/internal/onbus"
	"github.com/leathq/leat/services/cmd/leat/internal/variables"
)

// drainFlags are leat drain's own.
type drainFlags struct {
	Worker string        `yaml:"worker" flag:"worker" doc:"name of the worker, as leat status shows it; it may stand without a flag, too"`
	Grace  time.Duration `yaml:"grace" flag:"grace" doc:"how long what it runs may take to finish; 0: the worker's own setting"`
}

// drain makes a worker leave the fleet.
func drain(ctx context.Context, args []string, environ variables.Environ) error {
	var own drainFlags
	cfg, words, err := onbus.Load(onbus.Spec{
		Program: "leat drain", Args: args, Environ: environ, Key: "drain", Own: &own, Operands: true, Examples: []string{"leat drain W --grace 2m"},
		Summary: "Makes a worker leave: it takes nothing new, hands back what has not begun, finishes the rest within the grace period, and leaves the\n" +
			"fleet. Its process stays until it is stopped, so that nothing starts it again.",
	})
	if err != nil {
		return err
	}
	worker, err := oneWorker("leat drain", own.Worker, words)
	if err != nil {
		return err
	}
	if own.Grace < 0 {
		return &conf.Error{Usage: true, Problems: []string{"give a grace period of 0 or more; see leat drain --help"}}
	}
	b, closing, err := onbus.Connect(ctx, cfg, bus.Options{Name: "leat-drain", Inbox: string(events.Operator)})
	if err != nil {
		return err
	}
	defer closing()
	if err := askToLeave(ctx, b, worker, own.Grace); err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "worker %s leaves: it takes nothing new, and is gone from leat status when what it runs has finished; its process may be stopped then\n", worker)
	return nil
}

// askToLeave tells a worker to leave, and returns once it has heard.
func askToLeave(ctx context.Context, b *bus.Bus, worker string, grace time.Duration) error {
	_, err := tell(ctx, b, worker, &inferv1.Control{Control: &inferv1.Control_Drain{Drain: &inferv1.Drain{GraceMs: grace.Milliseconds()}}})
	return err
}

// tell tells a worker something that it answers with its state.
func tell(ctx context.Context, b *bus.Bus, worker string, c *inferv1.Control) (inferv1.WorkerState, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	pong := &inferv1.Pong{}
	err := b.Request(ctx, events.Control.Name(bus.Token(worker)), c, pong)
	switch {
	case errors.Is(err, nats.ErrNoResponders):
		err = fmt.Errorf("no worker named %s is in the fleet: leat status shows them", worker)
	case errors.Is(err, context.DeadlineExceeded):
		err = fmt.Errorf("worker %s did not answer within 10 s; it may be frozen: stop its process (or its release does not know what it was told)", worker)
	case err != nil:
		err = fmt.Errorf("ask worker %s: %w", worker, err)
	}
	return pong.GetState(), err
}

// oneWorker is the worker that a command line names, by the flag --worker or as its one word.
func oneWorker(program, flag string, words []string) (string, error) {
	if flag != "" {
		words = append(words, flag)
	}
	if len(words) != 1 || words[0] == "" {
		return "", &conf.Error{Usage: true, Problems: []string{fmt.Sprintf("name one worker (leat status shows them): %s WORKER; see %s --help", program, program)}}
	}
	return words[0], nil
}
