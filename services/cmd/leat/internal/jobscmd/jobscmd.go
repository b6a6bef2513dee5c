// Package jobscmd is `leat jobs`: publishing jobs, following them, and looking after dead letters.
package jobscmd

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
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
	name, args, about string
	most              int // operands at most; −1: any number
	least             int
	run               func(ctx context.Context, s *session) error
	flags             func(fs *flag.FlagSet, s *session)
}

func commands() []command {
	return []command{
		{"submit", "FILE.jsonl", "Publishes a request for every line of a file: either the body that the HTTP API takes, or OpenAI's batch lines\n(custom_id, method, url, body). Done again with the same file, it goes on where it was.", 1, 1, submit, submitFlags},
		{"get", "ID", "Shows what became of a job, as JSON. Exit code 1 where there is no result (yet).", 1, 1, get, kindFlag},
		{"watch", "", "Shows results as they come, a line of JSON each, until Ctrl-C.", 0, 0, watch, watchFlags},
		{"cancel", "ID", "Cancels a job: it is not run, or stopped where it runs. A result that it has already stays.", 1, 1, cancel, cancelFlags},
		{"dlq list", "", "Lists the dead letters of jobs, the oldest first.", 0, 0, letters, nil},
		{"dlq show", "N", "Shows a dead letter with its reason, its headers and its request.", 1, 1, letter, nil},
		{"dlq requeue", "N...", "Tries dead letters again under the same job ids. \"all\" is every one.", -1, 1, requeue, nil},
	}
}

// session is a command on its way.
type session struct {
	*jobs.Client
	fs       *flag.FlagSet
	out, err io.Writer

	nats, creds         string
	class, tenant, kind string
	output              string
	wait                bool
	since               time.Duration
}

// Main runs leat jobs with its arguments.
func Main(ctx context.Context, args []string, out, errOut io.Writer) error {
	if len(args) == 0 || args[0] == "-h" || args[0] == "--help" || args[0] == "help" {
		return conf.Help(usage)
	}
	name, rest := args[0], args[1:]
	if name == "dlq" && len(rest) > 0 && !strings.HasPrefix(rest[0], "-") {
		name, rest = name+" "+rest[0], rest[1:]
	}
	for _, c := range commands() {
		if c.name == name {
			return c.start(ctx, rest, out, errOut)
		}
	}
	return wrong("%q is no command of leat jobs\n\n%s", name, usage)
}

func wrong(format string, args ...any) error {
	return &conf.Error{Usage: true, Problems: []string{fmt.Sprintf(format, args...)}}
}

func (c *command) start(ctx context.Context, args []string, out, errOut io.Writer) error {
	s := &session{out: out, err: errOut, fs: flag.NewFlagSet("leat jobs "+c.name, flag.ContinueOnError)}
	var text strings.Builder
	s.fs.SetOutput(&text)
	s.fs.Usage = func() {
		fmt.Fprintf(&text, "Usage: %s\n\n%s\n\nFlags:\n", strings.TrimSpace(s.fs.Name()+" "+c.args+" [flags]"), c.about)
		s.fs.PrintDefaults()
	}
	s.fs.StringVar(&s.nats, "nats", bus.DefaultConfig().URL, "NATS server, `URL`")
	s.fs.StringVar(&s.creds, "nats-creds", "", "`FILE` with NATS credentials")
	if c.flags != nil {
		c.flags(s.fs, s)
	}
	operands, err := parse(s.fs, args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return conf.Help(text.String())
	case err != nil:
		return wrong("%v; see %s --help", err, s.fs.Name())
	case len(operands) < c.least:
		return wrong("%s needs %s; see %s --help", s.fs.Name(), c.args, s.fs.Name())
	case c.most >= 0 && len(operands) > c.most:
		return wrong("%q is not expected; see %s --help", operands[c.most], s.fs.Name())
	}
	if err := s.fs.Parse(append([]string{"--"}, operands...)); err != nil {
		return err
	}
	cfg := bus.DefaultConfig()
	cfg.URL, cfg.Creds = s.nats, s.creds
	b, err := bus.Connect(ctx, cfg, bus.Options{Name: "leat-jobs", Inbox: string(events.Client)})
	if err != nil {
		return err
	}
	defer func() { _ = b.Close(context.WithoutCancel(ctx)) }()
	s.Client = jobs.New(b, files.New(b, files.Config{}), jobs.DefaultConfig())
	return c.run(ctx, s)
}

// parse reads flags and operands in any order.
func parse(fs *flag.FlagSet, args []string) (operands []string, err error) {
	for {
		if err := fs.Parse(args); err != nil {
			return nil, err
		}
		if fs.NArg() == 0 {
			return operands, nil
		}
		operands, args = append(operands, fs.Arg(0)), fs.Args()[1:]
	}
}

func kindFlag(fs *flag.FlagSet, s *session) {
	fs.StringVar(&s.kind, "kind", "chat", "what was asked: `KIND` is one of "+strings.Join(jobs.Kinds(), ", "))
}

func cancelFlags(fs *flag.FlagSet, s *session) {
	kindFlag(fs, s)
	fs.StringVar(&s.tenant, "tenant", "default", "whose job it is")
}

func watchFlags(fs *flag.FlagSet, s *session) {
	kindFlag(fs, s)
	fs.DurationVar(&s.since, "since", 0, "also those of the last `TIME`")
}

func get(ctx context.Context, s *session) error {
	r, err := s.Result(ctx, s.kind, jobs.ID(s.fs.Arg(0)))
	if errors.Is(err, jobs.ErrNoResult) {
		return fmt.Errorf("job %s has no result of the kind %s: it waits, runs, or was never published", s.fs.Arg(0), s.kind)
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

func watch(ctx context.Context, s *session) error {
	var failed error
	err := s.Results(ctx, s.kind, time.Now().Add(-s.since), func(r *jobs.Result) bool {
		failed = s.show(r)
		return failed == nil
	})
	if failed != nil || ctx.Err() != nil {
		return failed
	}
	return err
}

func cancel(ctx context.Context, s *session) error {
	id := jobs.ID(s.fs.Arg(0))
	err := s.Cancel(ctx, s.tenant, s.kind, id)
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
	n, err := number(s.fs.Arg(0))
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
	if s.fs.Arg(0) == "all" {
		if err := s.Letters(ctx, func(l *jobs.Letter) bool { all = append(all, l.Sequence); return true }); err != nil {
			return err
		}
	} else {
		for _, arg := range s.fs.Args() {
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
