package main

import (
	"context"
	"fmt"
	"os"

	"github.com/leathq/leat/pkg/bus"
	"github.com/leathq/leat/pkg/events"
	inferv1 "github.com/leathq/leat/proto/gen/leat/infer/v1"
	"github.com/leathq/leat/services/cmd/leat/internal/onbus"
	"github.com/leathq/leat/services/cmd/leat/internal/variables"
)

// cordonFlags are leat cordon's and leat uncordon's own.
type cordonFlags struct {
	Worker string `yaml:"worker" flag:"worker" doc:"name of the worker, as leat status shows it; it may stand without a flag, too"`
}

// cordon keeps new work from a worker.
func cordon(ctx context.Context, args []string, environ variables.Environ) error {
	return mark(ctx, args, environ, "cordon", true,
		"Keeps new work from a worker: it takes nothing more, goes on with what it holds for as long as that takes, and stays in the fleet.\n"+
			"leat uncordon ends it, and so does a new start of its process.")
}

// uncordon lets a worker take work again.
func uncordon(ctx context.Context, args []string, environ variables.Environ) error {
	return mark(ctx, args, environ, "uncordon", false, "Lets a worker take work again that leat cordon kept it from.")
}

// mark tells a worker whether it may take new work.
func mark(ctx context.Context, args []string, environ variables.Environ, name string, on bool, summary string) error {
	var own cordonFlags
	program := "leat " + name
	cfg, words, err := onbus.Load(onbus.Spec{
		Program: program, Summary: summary, Args: args, Environ: environ, Key: name, Own: &own, Operands: true, Examples: []string{program + " W"},
	})
	if err != nil {
		return err
	}
	worker, err := oneWorker(program, own.Worker, words)
	if err != nil {
		return err
	}
	b, closing, err := onbus.Connect(ctx, cfg, bus.Options{Name: "leat-" + name, Inbox: string(events.Operator)})
	if err != nil {
		return err
	}
	defer closing()
	said, err := setCordon(ctx, b, worker, on)
	if err != nil {
		return err
	}
	fmt.Fprintln(os.Stderr, said)
	return nil
}

// setCordon tells a worker, and returns what is so then, for a person.
func setCordon(ctx context.Context, b *bus.Bus, worker string, on bool) (said string, err error) {
	c := &inferv1.Control{Control: &inferv1.Control_Uncordon{Uncordon: &inferv1.Uncordon{}}}
	if on {
		c = &inferv1.Control{Control: &inferv1.Control_Cordon{Cordon: &inferv1.Cordon{}}}
	}
	switch state, err := tell(ctx, b, worker, c); {
	case err != nil:
		return "", err
	case state == inferv1.WorkerState_WORKER_STATE_DRAINING || state == inferv1.WorkerState_WORKER_STATE_GONE:
		return "", fmt.Errorf("worker %s is leaving the fleet, which nothing calls off: start its process anew to have it back", worker)
	case on:
		return "worker " + worker + " takes nothing new and goes on with what it holds; leat uncordon " + worker + " ends that", nil
	case state == inferv1.WorkerState_WORKER_STATE_UNHEALTHY:
		return "worker " + worker + " may take work again, but its engine is not well: leat status says why", nil
	}
	return "worker " + worker + " takes work again", nil
}
