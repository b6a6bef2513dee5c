package datacmd

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"github.com/leathq/leat/pkg/conf"
	"github.com/leathq/leat/pkg/host"
	ingestorv1 "github.com/leathq/leat/proto/gen/leat/ingestor/v1"
)

// AddrOption is where runs are asked for. It is exported for its field to be a setting of what embeds it.
type AddrOption struct {
	Addr string `yaml:"addr" flag:"addr" doc:"gRPC ADDRESS of an ingestor, or of leat up"`
}

// FormatOption is how things are printed.
type FormatOption struct {
	Format string `yaml:"format" flag:"format" oneof:"text|json" doc:"text for people, or json: leat.ingestor.v1.RunState in its JSON"`
}

// nearby is where `leat up` serves gRPC unless it is told otherwise.
const nearby = "127.0.0.1:8081"

// The exit codes of commands about runs.
const (
	exitNotValid = 1
	exitNot      = 2

	runCodes = `Exit codes:
  0    the run is complete, or was skipped as too little is new; a command that did what was asked
  1    its checks do not hold
  2    it failed or was cancelled; its end was not awaited (Ctrl-C); what was asked could not be done, the command line is wrong
  130  a second signal (Ctrl-C twice) ended the command at once; the run goes on
`
)

// caller is a command about runs on its way.
type caller struct {
	ingestorv1.IngestorServiceClient
	addr string
	s    streams
}

// ranCommand is a command about runs: its settings, which have an AddrOption, and what it does.
type ranCommand struct {
	name, operands, about string
	examples              []string
	least, most           int // operands
	own                   any
	addr                  *string
	run                   func(ctx context.Context, c *caller, operands []string) error
}

// main runs a command about runs with its arguments.
func (r *ranCommand) main(ctx context.Context, args, environ []string, s streams) error {
	operands, err := loadOwn("leat data "+r.name, r.about, r.examples, runCodes, r.own, args, environ)
	var help conf.Help
	if errors.As(err, &help) {
		return err
	}
	if err == nil {
		err = r.call(ctx, operands, s)
	}
	var own *host.Exit
	if err == nil || errors.As(err, &own) {
		return err
	}
	return &host.Exit{Code: exitNot, Err: err}
}

func (r *ranCommand) call(ctx context.Context, operands []string, s streams) error {
	switch {
	case len(operands) < r.least:
		return wrong("leat data %s needs %s; see leat data %s --help", r.name, r.operands, r.name)
	case len(operands) > r.most:
		return wrong("%q is not expected; see leat data %s --help", operands[r.most], r.name)
	}
	conn, err := grpc.NewClient(*r.addr, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return fmt.Errorf("address %s: %w", *r.addr, err)
	}
	defer func() { _ = conn.Close() }() // nothing is in flight any more
	c := &caller{IngestorServiceClient: ingestorv1.NewIngestorServiceClient(conn), addr: *r.addr, s: s}
	return r.run(ctx, c, operands)
}

// said is an error of the ingestor as people read it.
func (c *caller) said(err error) error {
	st, ok := status.FromError(err)
	switch {
	case err == nil || !ok:
		return err
	case absent(err):
		return fmt.Errorf("no ingestor answers at %s: %s (start one with `leat up`, or name another with --addr)", c.addr, st.Message())
	case st.Code() == codes.Unimplemented:
		return fmt.Errorf("what answers at %s is no ingestor: name one with --addr; that of `leat up` is at %s", c.addr, nearby)
	}
	return errors.New(st.Message())
}

// absent says whether an error is that nobody answers, and not what somebody says.
func absent(err error) bool {
	st, ok := status.FromError(err)
	if !ok || st.Code() != codes.Unavailable {
		return false
	}
	for _, of := range []string{"connection error", "error reading from server", "transport", "EOF", "name resolver"} {
		if strings.Contains(st.Message(), of) {
			return true
		}
	}
	return false
}
