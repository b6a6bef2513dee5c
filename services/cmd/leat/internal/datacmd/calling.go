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

// ShownOptions are those of commands that print a run. It is exported for its fields to be settings of what embeds it.
type ShownOptions struct {
	AddrOption   `yaml:",inline"`
	FormatOption `yaml:",inline"`
}

func newShown() ShownOptions {
	return ShownOptions{AddrOption{nearby}, FormatOption{"text"}}
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
	call
	addr string
}

// ran makes c a command about runs, which asks whom o names.
func ran(c command, o *AddrOption, run func(ctx context.Context, c *caller) error) command {
	c.codes, c.failed = runCodes, exitNot
	c.run = func(ctx context.Context, with call) error {
		if strings.Contains(o.Addr, "://") {
			return wrong("--addr %s: it is HOST:PORT of gRPC, such as %s", o.Addr, nearby)
		}
		conn, err := grpc.NewClient(o.Addr, grpc.WithTransportCredentials(insecure.NewCredentials()))
		if err != nil {
			return fmt.Errorf("address %s: %w", o.Addr, err)
		}
		defer func() { _ = conn.Close() }() // nothing is in flight any more
		return run(ctx, &caller{ingestorv1.NewIngestorServiceClient(conn), with, o.Addr})
	}
	return c
}

// run is the id of the run that the command line names.
func (c *caller) run() string { return c.operands[0] }

// said is an error of the ingestor as people read it.
func (c *caller) said(err error) error {
	st, ok := status.FromError(err)
	switch {
	case err == nil || !ok:
		return err
	case st.Code() == codes.Canceled:
		return context.Canceled
	case absent(err) && strings.Contains(st.Message(), "HTTP/1"):
		return fmt.Errorf("what answers at %s speaks HTTP and no gRPC: name an ingestor with --addr; that of `leat up` is at %s", c.addr, nearby)
	case absent(err):
		return fmt.Errorf("no ingestor answers at %s: %s (start one with `leat up`, or name another with --addr)", c.addr, reason(st.Message()))
	case st.Code() == codes.Unimplemented:
		return fmt.Errorf("what answers at %s is no ingestor: name one with --addr; that of `leat up` is at %s", c.addr, nearby)
	}
	return errors.New(st.Message())
}

// reason is why nobody answers, without gRPC's own words around it.
func reason(message string) string {
	if _, inner, ok := strings.Cut(message, `desc = "`); ok {
		message = strings.TrimSuffix(inner, `"`)
	}
	return strings.TrimPrefix(message, "transport: Error while dialing: ")
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
