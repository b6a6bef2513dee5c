// Command leatbench measures Leat against the direct call and writes docs/benchmarks.md (make bench).
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/leathq/leat/e2e/bench/run"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := measure(ctx, os.Args[1:]); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "leatbench:", err)
		os.Exit(1)
	}
}

func measure(ctx context.Context, args []string) error {
	o := run.Options{Log: os.Stderr}
	flags := flag.NewFlagSet("leatbench", flag.ContinueOnError)
	flags.StringVar(&o.Leat, "leat", "", "`FILE` of a leat binary; empty: built first")
	flags.StringVar(&o.Output, "o", "", "Markdown `FILE` to write; empty: docs/benchmarks.md")
	flags.IntVar(&o.Rounds, "rounds", 3, "`N` turns of each target")
	flags.DurationVar(&o.Time, "time", 8*time.Second, "measured `TIME` of a turn")
	flags.DurationVar(&o.Warmup, "warmup", 2*time.Second, "`TIME` before a turn is measured")
	flags.DurationVar(&o.Soak, "soak", 0, "length of the soak `TIME`, such as 10m; 0: none")
	flags.StringVar(&o.Work, "work", "", "`DIRECTORY` to keep logs and raw reports in; empty: a temporary one")
	flags.BoolVar(&o.Compare, "llama", true, "compare the llama engine with llama-server, where one is there")
	only := flags.String("only", "", "comma-separated `SCENARIOS`: "+strings.Join(run.Scenarios, ", ")+"; empty: all")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *only != "" {
		o.Only = strings.Split(*only, ",")
	}
	if err := absolute(ctx, &o); err != nil {
		return err
	}
	return run.Run(ctx, o)
}

// absolute finds the repository and makes the paths independent of the working directory.
func absolute(ctx context.Context, o *run.Options) error {
	out, err := exec.CommandContext(ctx, "go", "env", "GOWORK").Output()
	if err != nil {
		return fmt.Errorf("find the repository: %w", err)
	}
	workspace := strings.TrimSpace(string(out))
	if workspace == "" || workspace == "off" {
		return errors.New("find the repository: run inside it, with its go.work")
	}
	o.Root = filepath.Dir(workspace)
	for _, path := range []*string{&o.Leat, &o.Output, &o.Work} {
		if *path == "" {
			continue
		}
		if *path, err = filepath.Abs(*path); err != nil {
			return fmt.Errorf("make path absolute: %w", err)
		}
	}
	if o.Work != "" {
		return os.MkdirAll(o.Work, 0o755)
	}
	return nil
}
