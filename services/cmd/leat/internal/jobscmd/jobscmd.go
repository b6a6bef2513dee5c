// Package jobscmd is `leat jobs`: publishing jobs, following them, and looking after dead letters.
package jobscmd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/leathq/leat/pkg/bus"
	"github.com/leathq/leat/pkg/conf"
	"github.com/leathq/leat/pkg/events"
	"github.com/leathq/leat/pkg/files"
	"github.com/leathq/leat/pkg/jobs"
	"github.com/leathq/leat/services/cmd/leat/internal/onbus"
	"github.com/leathq/leat/services/cmd/leat/internal/variables"
)

const usage = `Usage: leat jobs <command> [flags]

Durable work on subjects: jobs wait in NATS until the fleet has room, and each has one result.

Commands:
  submit FILE.jsonl   publish a request a line, and with --out write the answers in the same order
  get ID              show what became of a job
  watch               show results as they come, until Ctrl-C
  cancel ID           cancel a job
  dlq list            list the dead letters: what failed for good
  dlq show N          show a dead letter with its request
  dlq requeue N...    try dead letters again; "all" is every one

` + "`leat jobs <command> --help` shows its flags.\n"

// command is one of leat jobs'.
type command struct {
	name, operands, about string
	least, most           int // operands; most −1: any number
	own                   any // its settings
	run                   func(ctx context.Context, s *session) error
}

// KindOption is the kind of a job. It is exported for its fields to be settings of what embeds it.
type KindOption struct {
	Kind string `yaml:"kind" flag:"kind" oneof:"chat|completions|responses|data" doc:"what was asked"`
}

type watchOptions struct {
	KindOption
	Since time.Duration `yaml:"since" flag:"since" doc:"also results of so long ago"`
}

type cancelOptions struct {
	KindOption
	Tenant string `yaml:"tenant" flag:"tenant" doc:"whose job it is"`
}

func commands() []command {
	k := KindOption{"chat"}
	asked, seen := k, watchOptions{KindOption: k}
	taken := cancelOptions{KindOption: k, Tenant: "default"}
	sent := submitOptions{KindOption: k, Class: jobs.Bulk, Tenant: "default"}
	return []command{
		{"submit", "FILE.jsonl", "Publishes a request for every line of a file: either the body that the HTTP API takes, or OpenAI's batch lines\n(custom_id, method, url, body). Done again with the same file, it goes on where it was.", 1, 1, &sent,
			func(ctx context.Context, s *session) error { return submit(ctx, s, &sent) }},
		{"get", "ID", "Shows what became of a job, as JSON. Exit code 1 where there is no result (yet).", 1, 1, &asked,
			func(ctx context.Context, s *session) error { return get(ctx, s, asked.Kind) }},
		{"watch", "", "Shows results as they come, a line of JSON each, until Ctrl-C.", 0, 0, &seen,
			func(ctx context.Context, s *session) error { return watch(ctx, s, &seen) }},
		{"cancel", "ID", "Cancels a job: it is not run, or stopped where it runs. A result that it has already stays.", 1, 1, &taken,
			func(ctx context.Context, s *session) error { return cancel(ctx, s, &taken) }},
		{"dlq list", "", "Lists the dead letters of jobs, the oldest first.", 0, 0, nil, letters},
		{"dlq show", "N", "Shows a dead letter with its reason, its headers and its request.", 1, 1, nil, letter},
		{"dlq requeue", "N...", "Tries dead letters again under the same job ids. \"all\" is every one.", 1, -1, nil, requeue},
	}
}

// Settings are the settings of all commands, for the variables that they have.
func Settings() (out []any) {
	for _, c := range commands() {
		if c.own != nil {
			out = append(out, c.own)
		}
	}
	return out
}

// session is a command on its way.
type session struct {
	*jobs.Client
	operands []string
	out, err io.Writer
}

// Main runs leat jobs with its arguments.
func Main(ctx context.Context, args []string, environ variables.Environ, out, errOut io.Writer) error {
	if len(args) == 0 || args[0] == "-h" || args[0] == "--help" || args[0] == "help" {
		return conf.Help(usage)
	}
	name, rest := args[0], args[1:]
	if name == "dlq" && len(rest) > 0 && !strings.HasPrefix(rest[0], "-") {
		name, rest = name+" "+rest[0], rest[1:]
	}
	for _, c := range commands() {
		if c.name == name {
			return c.start(ctx, rest, environ, out, errOut)
		}
	}
	return wrong("%q is no command of leat jobs\n\n%s", name, usage)
}

func wrong(format string, args ...any) error {
	return &conf.Error{Usage: true, Problems: []string{fmt.Sprintf(format, args...)}}
}

func (c *command) start(ctx context.Context, args []string, environ variables.Environ, out, errOut io.Writer) error {
	program := "leat jobs " + c.name
	cfg, operands, err := onbus.Load(onbus.Spec{
		Program: program, Summary: c.about, Examples: []string{strings.TrimSpace(program + " " + c.operands)},
		Args: args, Environ: environ, Key: "jobs", Own: c.own, Operands: true,
	})
	switch {
	case err != nil:
		return err
	case len(operands) < c.least:
		return wrong("%s needs %s; see %s --help", program, c.operands, program)
	case c.most >= 0 && len(operands) > c.most:
		return wrong("%q is not expected; see %s --help", operands[c.most], program)
	}
	b, closing, err := onbus.Connect(ctx, cfg, bus.Options{Name: "leat-jobs", Inbox: string(events.Client)})
	if err != nil {
		return err
	}
	defer closing()
	return c.run(ctx, &session{Client: jobs.New(b, files.New(b, files.Config{}), jobs.DefaultConfig()), operands: operands, out: out, err: errOut})
}

func get(ctx context.Context, s *session, kind string) error {
	r, err := s.Result(ctx, kind, jobs.ID(s.operands[0]))
	if errors.Is(err, jobs.ErrNoResult) {
		return fmt.Errorf("job %s has no result of the kind %s: it waits, runs, or was never published", s.operands[0], kind)
	}
	if err != nil {
		return err
	}
	return s.show(r)
}

func (s *session) show(v any) error {
	e := json.NewEncoder(s.out)
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

func watch(ctx context.Context, s *session, o *watchOptions) error {
	var failed error
	err := s.Results(ctx, o.Kind, time.Now().Add(-o.Since), func(r *jobs.Result) bool {
		failed = s.show(r)
		return failed == nil
	})
	if failed != nil || ctx.Err() != nil {
		return failed
	}
	return err
}

func cancel(ctx context.Context, s *session, o *cancelOptions) error {
	id := jobs.ID(s.operands[0])
	err := s.Cancel(ctx, o.Tenant, o.Kind, id)
	if errors.Is(err, jobs.ErrHasResult) {
		return fmt.Errorf("job %s has a result already: see leat jobs get %s", id, id)
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(s.err, "job %s will not be run\n", id)
	return nil
}

func letters(ctx context.Context, s *session) error {
	n := 0
	err := s.Letters(ctx, func(l *jobs.Letter) bool {
		if n++; n == 1 {
			fmt.Fprintf(s.out, "%-6s %-20s %-24s %-28s %-24s %s\n", "N", "TIME", "JOB", "SUBJECT", "CODE", "REASON")
		}
		fmt.Fprintf(s.out, "%-6d %-20s %-24s %-28s %-24s %s\n", l.Sequence, l.Time.UTC().Format("2006-01-02 15:04:05"), l.Job, l.Subject, l.Code, l.Reason)
		return true
	})
	if err == nil && n == 0 {
		fmt.Fprintln(s.err, "there are no dead letters")
	}
	return err
}

// number reads a dead letter's.
func number(arg string) (uint64, error) {
	n, err := strconv.ParseUint(arg, 10, 64)
	if err != nil || n == 0 {
		return 0, wrong("%q is no dead letter's number; see leat jobs dlq list", arg)
	}
	return n, nil
}

func letter(ctx context.Context, s *session) error {
	n, err := number(s.operands[0])
	if err != nil {
		return err
	}
	l, err := s.Letter(ctx, n)
	if errors.Is(err, jobs.ErrNoLetter) {
		return fmt.Errorf("there is no dead letter %d; see leat jobs dlq list", n)
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(s.out, "job       %s\nsubject   %s\ntime      %s\nattempts  %d\ncode      %s\nreason    %s\nheaders\n", l.Job, l.Subject, l.Time.UTC().Format(time.RFC3339), l.Attempts, l.Code, l.Reason)
	for k, v := range l.Headers {
		fmt.Fprintf(s.out, "  %s: %s\n", k, strings.Join(v, ", "))
	}
	fmt.Fprintf(s.out, "request\n%s\n", l.Data)
	return nil
}

func requeue(ctx context.Context, s *session) error {
	var all []uint64
	if s.operands[0] == "all" {
		if err := s.Letters(ctx, func(l *jobs.Letter) bool { all = append(all, l.Sequence); return true }); err != nil {
			return err
		}
	} else {
		for _, arg := range s.operands {
			n, err := number(arg)
			if err != nil {
				return err
			}
			all = append(all, n)
		}
	}
	for _, n := range all {
		l, err := s.Requeue(ctx, n)
		if err != nil {
			return fmt.Errorf("dead letter %d: %w", n, err)
		}
		fmt.Fprintf(s.err, "job %s is queued again on %s\n", l.Job, l.Subject)
	}
	return nil
}
