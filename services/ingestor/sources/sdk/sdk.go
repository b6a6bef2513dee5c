// Package sdk is what a source program in Go is written with (docs/source-protocol.md): it reads the request, writes lines and batches, and ends the
// program when the ingestor is gone. It knows no source.
package sdk

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/leathq/leat/pkg/arrowio"
	"github.com/leathq/leat/services/ingestor/internal/source/wire"
)

// Source is what a program reads from. One process calls one of its methods, once.
type Source interface {
	// Plan says what there is to read since a watermark (nil: everything). The same input must give the same plan.
	Plan(ctx context.Context, since json.RawMessage) (*Plan, error)
	// Read writes a partition from a cursor on (nil: its beginning). The same cursor must give the same rows.
	Read(ctx context.Context, part, cursor json.RawMessage, w *Writer) error
}

// Plan is what there is to read.
type Plan struct {
	Schema    *arrowio.Schema
	Parts     []Part
	Watermark any      // to plan from next time, as JSON; nil: none
	Seen      int      // how many inputs are left out as known
	Notes     []string // what a person should know of it
}

// Part is a partition.
type Part struct {
	ID    string // the same input has the same id
	Name  string // for people
	Rows  int64  // 0: unknown
	Bytes int64  // 0: unknown
	Spec  any    // given back to Read, as JSON
}

// Error is what another try does not mend. Any other error is tried again.
type Error struct {
	Code    string // for machines: no_table, bad_config, …
	Message string // what happened, where, and what to do next
}

func (e *Error) Error() string { return e.Message }

// Fail makes an *Error.
func Fail(code, format string, args ...any) error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// Config reads a configuration into v and refuses settings that v does not have; the name and the type of the source are settings of any.
func Config(raw json.RawMessage, v any) error {
	var m map[string]json.RawMessage
	if err := json.Unmarshal(raw, &m); err != nil {
		return Fail("bad_config", "the configuration is no object of settings: %v", err)
	}
	delete(m, "type")
	raw, err := json.Marshal(m)
	if err != nil {
		return err
	}
	dec := json.NewDecoder(newReader(raw))
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil {
		return Fail("bad_config", "the configuration cannot be read: %v", err)
	}
	return nil
}

// Main is a program's main: it never returns. open makes the source of its configuration.
func Main(name, version string, open func(config json.RawMessage) (Source, error)) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := Run(ctx, Program{Name: name, Version: version, Open: open}, os.Args[1:], os.Stdin, os.Stdout, os.NewFile(wire.Descriptor, "control"))
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// Program is a source program.
type Program struct {
	Name, Version string
	Open          func(config json.RawMessage) (Source, error)
}

// Run is Main with its surroundings given. The error has been said on control.
func Run(ctx context.Context, p Program, args []string, stdin io.Reader, stdout, control io.Writer) error {
	if len(args) == 0 {
		return errors.New("this is a source program, which an ingestor starts; see docs/source-protocol.md")
	}
	w := &Writer{out: stdout, control: control}
	in := bufio.NewReaderSize(stdin, wire.MaxLine)
	req, err := request(in)
	if err == nil {
		err = w.line(wire.Line{Type: wire.Hello, Protocol: wire.Version, Name: p.Name, Version: p.Version})
	}
	if err == nil {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		go func() { // the end of the input is that of the ingestor
			_, _ = io.Copy(io.Discard, in)
			cancel()
		}()
		err = p.do(ctx, args[len(args)-1], req, w)
	}
	if err != nil {
		return errors.Join(err, w.failed(err))
	}
	return nil
}

func request(in *bufio.Reader) (req wire.Request, err error) {
	raw, err := in.ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(raw, &req)
	}
	if err != nil {
		return req, Fail("bad_request", "the request on standard input cannot be read: %v", err)
	}
	if req.Protocol != wire.Version {
		return req, Fail("bad_request", "the ingestor speaks version %d of the protocol, this program version %d; install the one that came with it", req.Protocol, wire.Version)
	}
	return req, nil
}

func (p Program) do(ctx context.Context, mode string, req wire.Request, w *Writer) error {
	s, err := p.Open(req.Config)
	if err != nil {
		var e *Error
		if errors.As(err, &e) {
			return err
		}
		return Fail("bad_config", "%v", err)
	}
	switch mode {
	case wire.Plan:
		plan, err := s.Plan(ctx, req.Since)
		if err != nil {
			return err
		}
		return w.plan(plan)
	case wire.Read:
		w.Schema = &arrowio.Schema{}
		if err := json.Unmarshal(req.Schema, w.Schema); err != nil {
			return Fail("bad_request", "the schema of the request: %v", err)
		}
		if err := s.Read(ctx, req.Part, req.Cursor, w); err != nil {
			return err
		}
		return w.done()
	}
	return Fail("bad_request", "there is no mode %q; known are %s and %s", mode, wire.Plan, wire.Read)
}
