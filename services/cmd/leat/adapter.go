package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/leathq/leat/pkg/bus"
	"github.com/leathq/leat/pkg/conf"
	"github.com/leathq/leat/pkg/errs"
	"github.com/leathq/leat/pkg/events"
	inferv1 "github.com/leathq/leat/proto/gen/leat/infer/v1"
	"github.com/leathq/leat/services/cmd/leat/internal/onbus"
	"github.com/leathq/leat/services/cmd/leat/internal/variables"
)

// adapterFlags are leat adapter's own.
type adapterFlags struct {
	Worker string        `yaml:"worker" flag:"worker" doc:"name of the worker, as leat status shows it"`
	Wait   time.Duration `yaml:"wait" flag:"wait" doc:"how long to wait for the worker"`
}

// adapter changes or lists a worker's LoRA adapters over the bus.
func adapter(ctx context.Context, args []string, environ variables.Environ) error {
	own := adapterFlags{Wait: 10 * time.Minute}
	cfg, words, err := onbus.Load(onbus.Spec{
		Program: "leat adapter", Args: args, Environ: environ, Key: "adapter", Own: &own, Operands: true,
		Summary: "Loads LoRA adapters (GGUF files on the worker's machine) into a running llama worker, takes them out again, and lists them.\n" +
			"Clients call an adapter as the model \"model:NAME\". Of a pool with several workers, load it on each.",
		Examples: []string{"leat adapter load --worker W NAME=/PATH", "leat adapter unload --worker W NAME", "leat adapter list --worker W"},
	})
	if err != nil {
		return err
	}
	verb := ""
	if len(words) > 0 {
		verb, words = words[0], words[1:]
	}
	c, err := adapterControl(verb, words)
	if err == nil && own.Worker == "" {
		err = errors.New("name the worker with --worker; leat status shows them")
	}
	if err != nil {
		return &conf.Error{Usage: true, Problems: []string{fmt.Sprintf("%v; see leat adapter --help", err)}}
	}
	b, closing, err := onbus.Connect(ctx, cfg, bus.Options{Name: "leat-adapter", Inbox: string(events.Operator)})
	if err != nil {
		return err
	}
	defer closing()
	ctx, cancel := context.WithTimeout(ctx, own.Wait)
	defer cancel()
	var answer inferv1.Adapters
	switch err := b.Request(ctx, events.Control.Name(bus.Token(own.Worker)), c, &answer); {
	case errors.Is(err, nats.ErrNoResponders):
		return fmt.Errorf("no worker named %s is in the fleet of %s: leat status shows them", own.Worker, conf.HidePasswords(cfg.URL))
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("worker %s has not finished within %s; what was asked for may still happen: see leat adapter list", own.Worker, own.Wait)
	case err != nil:
		return fmt.Errorf("ask worker %s: %w", own.Worker, err)
	case answer.GetError() != nil:
		return errs.FromProto(answer.GetError())
	}
	return showAdapters(os.Stdout, own.Worker, answer.GetAdapters())
}

// adapterControl is the message that a command line stands for.
func adapterControl(verb string, names []string) (*inferv1.Control, error) {
	want := map[string]int{"load": 1, "unload": 1, "list": 0}
	if n, ok := want[verb]; !ok {
		return nil, fmt.Errorf("%q is none of load, unload and list", verb)
	} else if len(names) != n {
		return nil, fmt.Errorf("%s takes %d names, not %d", verb, n, len(names))
	}
	switch verb {
	case "load":
		name, path, ok := strings.Cut(names[0], "=")
		if !ok || name == "" || !filepath.IsAbs(path) {
			return nil, fmt.Errorf("%q is not NAME=PATH with an absolute path on the worker's machine", names[0])
		}
		return &inferv1.Control{Control: &inferv1.Control_LoadAdapter{LoadAdapter: &inferv1.LoadAdapter{Name: name, Path: path}}}, nil
	case "unload":
		return &inferv1.Control{Control: &inferv1.Control_UnloadAdapter{UnloadAdapter: &inferv1.UnloadAdapter{Name: names[0]}}}, nil
	}
	return &inferv1.Control{Control: &inferv1.Control_ListAdapters{ListAdapters: &inferv1.ListAdapters{}}}, nil
}

func showAdapters(out io.Writer, worker string, list []*inferv1.Adapter) error {
	if len(list) == 0 {
		_, err := fmt.Fprintf(out, "worker %s has no adapters\n", worker)
		return err
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ADAPTER\tMODEL\tEXACT\tFILE")
	for _, a := range list {
		exact := "yes"
		if !a.GetExact() {
			exact = "no"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", a.GetName(), strings.Join(a.GetModels(), ", "), exact, a.GetPath())
	}
	return w.Flush()
}
