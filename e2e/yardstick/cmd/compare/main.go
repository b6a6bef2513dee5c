// Command compare measures Leat's llama engine against llama.cpp's own server: the same model
// file, libraries, threads and slots, in one run, in turns, so that whatever else the machine
// does falls on all of them. It prints Markdown.
//
//	e2e/yardstick/build.sh
//	go run ./e2e/yardstick/cmd/compare -leat bin/leat
//
// Only ratios within one run mean something on a shared machine.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/leathq/leat/pkg/assets"
)

// config is everything that a run depends on.
type config struct {
	server, serverArgs string // llama-server and what to add to its arguments
	leat, leatArgs     string
	schedules          []string // of leat, one target each
	urls               []target // servers that already run
	threads, slots     int
	context            int // tokens per sequence
	sequences          []int
	rounds             int
	prompt, tokens     int // per request, prompt in words
	prefix, trials     int // of the time-to-first-token part; prefix in words
	out                string
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "compare:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	cfg, err := parse(args, stderr)
	if err != nil {
		return err
	}
	var paths assets.Paths
	if len(cfg.urls) == 0 || cfg.leat != "" {
		if paths, err = assets.Ensure(ctx, assets.Spec{}, assets.Options{Progress: stderr}); err != nil {
			return err
		}
	}
	started, err := startAll(ctx, cfg, paths, stderr)
	defer started.stop()
	if err != nil {
		return err
	}
	began := time.Now()
	res, err := measure(ctx, cfg, started.targets, stderr)
	if err != nil {
		return err
	}
	res.took, res.model = time.Since(began), filepath.Base(first(paths.Model, res.targets[0].model))
	report := res.markdown(cfg)
	if cfg.out != "" {
		if err := os.WriteFile(cfg.out, []byte(report), 0o644); err != nil {
			return err
		}
	}
	_, err = io.WriteString(stdout, report)
	return err
}

func parse(args []string, stderr io.Writer) (config, error) {
	var c config
	set := flag.NewFlagSet("compare", flag.ContinueOnError)
	set.SetOutput(stderr)
	set.StringVar(&c.server, "server", defaultServer(), "llama-server (e2e/yardstick/build.sh makes it); empty leaves it out")
	set.StringVar(&c.serverArgs, "server-args", "", "more arguments for llama-server, separated by spaces")
	set.StringVar(&c.leat, "leat", "", "the leat binary; empty leaves it out")
	set.StringVar(&c.leatArgs, "leat-args", "", "more arguments for leat up, separated by spaces")
	schedules := set.String("schedules", "fast,exact", "leat's schedules to measure")
	set.Func("url", "NAME=URL[#PID] of an OpenAI-compatible server that already runs, the yardstick first; may be repeated", c.addURL)
	set.IntVar(&c.threads, "threads", 1, "compute threads of each")
	set.IntVar(&c.slots, "slots", 16, "sequences that each can run at once")
	set.IntVar(&c.context, "context", 1024, "tokens per sequence")
	sequences := set.String("sequences", "1,8,16", "numbers of sequences at once to measure")
	set.IntVar(&c.rounds, "rounds", 5, "rounds; every round measures every target once per number of sequences")
	set.IntVar(&c.prompt, "prompt", 16, "words per prompt")
	set.IntVar(&c.tokens, "tokens", 64, "tokens generated per sequence")
	set.IntVar(&c.prefix, "prefix", 500, "words of the shared prefix in the time-to-first-token part")
	set.IntVar(&c.trials, "trials", 5, "trials of the time-to-first-token part")
	set.StringVar(&c.out, "o", "", "also write the report to this file")
	if err := set.Parse(args); err != nil {
		return c, err
	}
	if *schedules != "" {
		c.schedules = strings.Split(*schedules, ",")
	}
	for _, s := range strings.Split(*sequences, ",") {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 || n > 256 {
			return c, fmt.Errorf("-sequences %q: want numbers from 1 to 256", s)
		}
		c.sequences = append(c.sequences, n)
	}
	if c.rounds < 1 || c.tokens < 2 || c.rounds > 100 || c.trials > 100 {
		return c, errors.New("-rounds is from 1 to 100, -trials up to 100, -tokens at least 2")
	}
	return c, nil
}

func first(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// addURL takes NAME=URL or NAME=URL#PID; with the process id, CPU time is measured too.
func (c *config) addURL(s string) error {
	name, url, ok := strings.Cut(s, "=")
	if !ok {
		return errors.New("want NAME=URL or NAME=URL#PID")
	}
	url, id, given := strings.Cut(url, "#")
	t := target{name: name, url: strings.TrimRight(url, "/")}
	if given {
		var err error
		if t.pid, err = strconv.Atoi(id); err != nil {
			return fmt.Errorf("process id: %w", err)
		}
	}
	c.urls = append(c.urls, t)
	return nil
}

func defaultServer() string {
	dir := os.Getenv("LEAT_CACHE")
	if dir == "" {
		if cache, err := os.UserCacheDir(); err == nil {
			dir = filepath.Join(cache, "leat")
		}
	}
	return filepath.Join(dir, "yardstick", "bin", "llama-server")
}
