package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/leathq/leat/pkg/conf"
)

// Main is `leat bench`: it parses args (without the command's own name), measures, and writes the text report to stdout
// and progress to stderr. The end of ctx (Ctrl-C) ends the measurement early and still reports. The error is nil even
// where requests failed: the report says so; --fail-on-error makes that an error. It is conf.Help after --help and a
// conf.Error for a bad command line.
func Main(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	options, err := parseArgs(args)
	if err == nil {
		err = options.config.Validate()
	}
	if errors.As(err, new(conf.Help)) {
		return err
	}
	if err != nil {
		return &conf.Error{Usage: true, Problems: strings.Split(err.Error(), "\n")}
	}
	if err := options.checkFiles(); err != nil {
		return err
	}
	rep, err := Run(ctx, options.config, stderr)
	if err != nil {
		return err
	}
	if err := rep.WriteText(stdout); err != nil {
		return fmt.Errorf("print report: %w", err)
	}
	if err := options.writeFiles(rep); err != nil {
		return err
	}
	if options.failOnError && rep.Failed > 0 {
		return fmt.Errorf("%d of %d requests failed", rep.Failed, rep.Sent)
	}
	return nil
}

// options is what the command line says.
type options struct {
	config      Config
	jsonFile    string
	htmlFile    string
	failOnError bool
}

const usageText = `Usage: leat bench URL [flags]

Measures an OpenAI-compatible endpoint: throughput, latency, time to first token (TTFT), time per output token (TPOT),
gaps between tokens, goodput under an SLO, and failures by class. Truncated streams and error events inside a 200 answer
count as failures. Nothing is retried.

Open loop: --rps sends at drawn times and counts latency from the intended time of sending, so a stalled server cannot
hide the requests that it kept waiting. Closed loop: --concurrency keeps that many requests in flight.

Examples:
  leat bench http://127.0.0.1:8080 --rps 20 --duration 30s
  leat bench http://127.0.0.1:8080 --concurrency 16 --requests 500 --max-tokens 128 --html report.html
  leat bench http://127.0.0.1:8080 --concurrency 64 --stream=false --pid gateway=4711 --warmup 2s --duration 10s
  leat bench https://api.example.com --api-key-env EXAMPLE_KEY --model m --input requests.jsonl --requests 100

Flags:
`

func parseArgs(args []string) (options, error) {
	o := options{config: DefaultConfig()}
	flags := o.flags()
	flags.SetOutput(io.Discard) // errors and help are returned
	var positional []string
	for rest := args; ; {
		err := flags.Parse(rest)
		if errors.Is(err, flag.ErrHelp) {
			help := bytes.NewBufferString(usageText)
			flags.SetOutput(help)
			flags.PrintDefaults()
			return o, conf.Help(help.String())
		}
		if err != nil {
			return o, fmt.Errorf("%w; see leat bench --help", err)
		}
		if rest = flags.Args(); len(rest) == 0 {
			break
		}
		positional, rest = append(positional, rest[0]), rest[1:]
	}
	if len(positional) != 1 {
		return o, fmt.Errorf("give exactly one URL, got %d; see leat bench --help", len(positional))
	}
	o.config.URL = positional[0]
	if o.config.RPS == 0 && o.config.Concurrency == 0 {
		o.config.Concurrency = 1
	}
	if o.config.Duration == 0 && o.config.Requests == 0 {
		o.config.Duration = 10 * time.Second
	}
	return o, nil
}

func (o *options) flags() *flag.FlagSet {
	f := flag.NewFlagSet("leat bench", flag.ContinueOnError)
	c, w := &o.config, &o.config.Workload
	f.StringVar(&c.Endpoint, "endpoint", c.Endpoint, "`KIND` of endpoint: chat or completions")
	f.BoolVar(&c.Stream, "stream", c.Stream, "ask for a stream; --stream=false asks for one JSON answer")
	f.BoolVar(&c.IncludeUsage, "include-usage", c.IncludeUsage, "ask a stream for its token counts")
	f.StringVar(&c.Model, "model", c.Model, "model `NAME` (default: the first that /v1/models lists)")
	f.StringVar(&c.APIKeyEnv, "api-key-env", c.APIKeyEnv, "environment `VARIABLE` that holds the API key")
	f.Var((*list)(&c.Headers), "header", "extra request header `\"NAME: VALUE\"`; repeatable")
	f.Float64Var(&c.RPS, "rps", c.RPS, "open loop: `REQUESTS` per second")
	f.StringVar(&c.Arrivals, "arrivals", c.Arrivals, "open loop: arrival `PROCESS`, poisson or constant")
	f.IntVar(&c.Concurrency, "concurrency", c.Concurrency, "closed loop: `N` requests in flight (default 1 without --rps)")
	f.DurationVar(&c.Ramp, "ramp", c.Ramp, "closed loop: spread the first requests over this `TIME`")
	f.IntVar(&c.MaxConnections, "max-connections", c.MaxConnections, "open loop: at most `N` connections; requests beyond wait, and the wait counts")
	f.DurationVar(&c.Duration, "duration", c.Duration, "send for this `TIME` after the warm-up (default 10s without --requests)")
	f.IntVar(&c.Requests, "requests", c.Requests, "send at most `N` requests after the warm-up")
	f.DurationVar(&c.Warmup, "warmup", c.Warmup, "send for this `TIME` before measuring")
	f.DurationVar(&c.Timeout, "timeout", c.Timeout, "give up on one request after this `TIME`")
	f.IntVar(&w.PromptTokens, "prompt-tokens", w.PromptTokens, "about `N` tokens in each generated prompt")
	f.IntVar(&w.SharedPrefix, "shared-prefix", w.SharedPrefix, "the first `N` prompt tokens are shared within a prefix group")
	f.IntVar(&w.PrefixGroups, "prefix-groups", w.PrefixGroups, "`N` different shared prefixes, drawn at random")
	f.IntVar(&w.MaxTokens, "max-tokens", w.MaxTokens, "max_tokens of each request `N`; 0 leaves it to the server")
	f.StringVar(&w.PromptFile, "prompt-file", w.PromptFile, "send the text of this `FILE` as every prompt")
	f.StringVar(&w.Input, "input", w.Input, "send the request bodies (or prompts, as JSON strings) of this JSON-lines `FILE` in turn")
	f.Var((*list)(&w.Params), "param", "further body field `NAME=JSON`, such as temperature=0; repeatable")
	f.Uint64Var(&w.Seed, "seed", w.Seed, "`SEED` of prompts and arrivals: the same seed sends the same requests at the same times")
	f.DurationVar(&c.SLO.TTFT, "slo-ttft", c.SLO.TTFT, "goodput: at most this `TIME` to the first token")
	f.DurationVar(&c.SLO.TPOT, "slo-tpot", c.SLO.TPOT, "goodput: at most this `TIME` per output token")
	f.DurationVar(&c.SLO.E2E, "slo-e2e", c.SLO.E2E, "goodput: at most this `TIME` to the end of the answer")
	f.Var((*processList)(&c.Processes), "pid", "measure CPU and memory of `[NAME=]PID`; repeatable")
	f.StringVar(&c.Client, "client", c.Client, "HTTP `CLIENT`: auto (a light one for http://) or net/http")
	f.DurationVar(&c.Progress, "progress", 5*time.Second, "print a line every `TIME`; 0 never")
	f.StringVar(&o.jsonFile, "json", "", "write the report to this JSON `FILE`")
	f.StringVar(&o.htmlFile, "html", "", "write the report with plots to this HTML `FILE`; it needs no network")
	f.BoolVar(&o.failOnError, "fail-on-error", false, "exit with an error when a request failed")
	return f
}

// checkFiles finds out before the measurement whether the reports can be written after it.
func (o options) checkFiles() error {
	for kind, path := range map[string]string{"JSON": o.jsonFile, "HTML": o.htmlFile} {
		if path == "" {
			continue
		}
		_, err := os.Stat(path)
		fresh := errors.Is(err, os.ErrNotExist)
		file, err := os.OpenFile(filepath.Clean(path), os.O_CREATE|os.O_WRONLY, 0o644)
		if err == nil {
			err = file.Close()
		}
		if err == nil && fresh {
			err = os.Remove(path)
		}
		if err != nil {
			return fmt.Errorf("create %s report: %w", kind, err)
		}
	}
	return nil
}

func (o options) writeFiles(rep *Report) error {
	if o.jsonFile != "" {
		data, err := json.MarshalIndent(rep, "", "  ")
		if err != nil {
			return fmt.Errorf("encode report: %w", err)
		}
		if err := os.WriteFile(o.jsonFile, append(data, '\n'), 0o644); err != nil {
			return fmt.Errorf("write JSON report: %w", err)
		}
	}
	if o.htmlFile == "" {
		return nil
	}
	file, err := os.Create(filepath.Clean(o.htmlFile))
	if err != nil {
		return fmt.Errorf("create HTML report: %w", err)
	}
	if err := errors.Join(rep.WriteHTML(file), file.Close()); err != nil {
		return fmt.Errorf("write HTML report: %w", err)
	}
	return nil
}

// list is a flag that may be given several times.
type list []string

func (l *list) String() string { return strings.Join(*l, ", ") }

func (l *list) Set(value string) error {
	*l = append(*l, value)
	return nil
}

// processList is the --pid flag.
type processList []Process

func (l *processList) String() string { return "" }

func (l *processList) Set(value string) error {
	name, id, found := strings.Cut(value, "=")
	if !found {
		name, id = value, value
	}
	pid, err := strconv.Atoi(id)
	if err != nil || pid < 1 {
		return fmt.Errorf("%q is not a process id", id)
	}
	*l = append(*l, Process{Name: name, PID: pid})
	return nil
}
