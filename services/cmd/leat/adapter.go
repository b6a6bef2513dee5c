package main

import (
	"context"
	"errors"
	"flag"
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
)

const adapterUsage = `Usage: leat adapter load --worker W NAME=PATH [flags]
       leat adapter unload --worker W NAME [flags]
       leat adapter list --worker W [flags]

Loads LoRA adapters (GGUF files on the worker's machine) into a running llama worker, takes them out again, and lists them.
Clients call an adapter as the model "model:NAME". Of a pool with several workers, load it on each.

Flags:
`

// adapter changes or lists a worker's LoRA adapters over the bus.
func adapter(ctx context.Context, args, _ []string) error {
	verb := ""
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		verb, args = args[0], args[1:]
	}
	cfg := bus.DefaultConfig()
	fs := flag.NewFlagSet("leat adapter "+verb, flag.ContinueOnError)
	worker := fs.String("worker", "", "`NAME` of the worker, as leat status shows it")
	fs.StringVar(&cfg.URL, "nats", cfg.URL, "`URL` of the fleet's NATS")
	fs.StringVar(&cfg.Creds, "nats-creds", "", "`FILE` with NATS credentials")
	wait := fs.Duration("wait", 10*time.Minute, "how long to wait for the worker")
	names, err := mixed(fs, args)
	if err != nil {
		return err
	}
	c, err := adapterControl(verb, names)
	if err == nil && *worker == "" {
		err = errors.New("name the worker with --worker; leat status shows them")
	}
	if err != nil {
		return &conf.Error{Usage: true, Problems: []string{fmt.Sprintf("%v; see leat adapter --help", err)}}
	}
	b, err := bus.Connect(ctx, cfg, bus.Options{Name: "leat-adapter"})
	if err != nil {
		return err
	}
	defer func() { _ = b.Close(context.WithoutCancel(ctx)) }() // nothing is in flight any more
	ctx, cancel := context.WithTimeout(ctx, *wait)
	defer cancel()
	var answer inferv1.Adapters
	switch err := b.Request(ctx, events.Control.Name(bus.Token(*worker)), c, &answer); {
	case errors.Is(err, nats.ErrNoResponders):
		return fmt.Errorf("no worker named %s is in the fleet of %s: leat status shows them", *worker, cfg.URL)
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("worker %s has not finished within %s; what was asked for may still happen: see leat adapter list", *worker, *wait)
	case err != nil:
		return fmt.Errorf("ask worker %s: %w", *worker, err)
	case answer.GetError() != nil:
		return errs.FromProto(answer.GetError())
	}
	return showAdapters(os.Stdout, *worker, answer.GetAdapters())
}

// mixed parses flags that may stand before and behind the other arguments, which it returns.
func mixed(fs *flag.FlagSet, args []string) (rest []string, err error) {
	var text helpText
	fs.SetOutput(&text)
	fs.Usage = func() {
		fmt.Fprint(&text, adapterUsage)
		fs.PrintDefaults()
	}
	for {
		switch err := fs.Parse(args); {
		case err == flag.ErrHelp:
			return nil, conf.Help(text)
		case err != nil:
			return nil, &conf.Error{Usage: true, Problems: []string{fmt.Sprintf("%v; see leat adapter --help", err)}}
		case fs.NArg() == 0:
			return rest, nil
		}
		rest, args = append(rest, fs.Arg(0)), fs.Args()[1:]
	}
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
