// Package process runs source programs: sources that are programs of their own, in any language, and speak the protocol of docs/source-protocol.md.
// What they say is checked; it trusts no count, no length and no batch of theirs. It reads no data itself.
package process

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/leathq/leat/pkg/arrowio"
	"github.com/leathq/leat/services/ingestor/internal/source"
	"github.com/leathq/leat/services/ingestor/internal/source/wire"
)

// Options of a program. The zero value works.
type Options struct {
	Idle   time.Duration  // how long it may be silent; 0: a minute
	Limits arrowio.Limits // of a batch; zero: the defaults
	Dir    string         // where it runs; empty: where we do
	Env    []string       // its environment; nil: ours
	Log    *slog.Logger   // gets its log lines; nil: they are dropped
}

// Source is a source program. Each Plan and each stream is a process.
type Source struct {
	name    string
	command []string
	config  json.RawMessage
	idle    time.Duration
	limits  arrowio.Limits
	log     *slog.Logger
	dir     string
	env     []string
}

// New makes a source of a program and its arguments, to which the mode is added. config is its YAML, as JSON, and goes to its standard input: arguments
// are seen by everybody on the machine.
func New(command []string, config json.RawMessage, o Options) (*Source, error) {
	if len(command) == 0 || command[0] == "" {
		return nil, fmt.Errorf("source program: command: must name a program, such as [python3, source.py]")
	}
	s := &Source{name: filepath.Base(command[0]), command: command, config: config, idle: o.Idle, limits: o.Limits, log: o.Log, dir: o.Dir, env: o.Env}
	if s.idle == 0 {
		s.idle = time.Minute
	}
	if s.limits == (arrowio.Limits{}) {
		s.limits = arrowio.DefaultLimits()
	}
	if s.limits.MaxBytes == 0 {
		s.limits.MaxBytes = arrowio.DefaultLimits().MaxBytes // what is announced is allocated
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	return s, nil
}

// Find is the program of a type of source, leat-source-<type>: in dir where that is set, beside this program, or in PATH.
func Find(kind, dir string) (string, error) {
	name := "leat-source-" + kind
	var places []string
	if dir != "" {
		places = append(places, dir)
	}
	if self, err := os.Executable(); err == nil {
		places = append(places, filepath.Dir(self))
	}
	for _, p := range places {
		path := filepath.Join(p, name)
		if st, err := os.Stat(path); err == nil && st.Mode().IsRegular() && st.Mode()&0o111 != 0 {
			return path, nil
		}
	}
	if path, err := exec.LookPath(name); err == nil {
		return path, nil
	}
	return "", &source.Error{Code: "no_program", Message: fmt.Sprintf("source %s: the program %s is not in %v nor in PATH; build it by `make sources` and put it beside leat, or set ingestor.sources_dir", kind, name, places)}
}

// spec is a partition's, with the schema that its batches must have.
type spec struct {
	Spec   json.RawMessage `json:"spec,omitempty"`
	Schema *arrowio.Schema `json:"schema"`
}

// Plan runs the program in mode plan.
func (s *Source) Plan(ctx context.Context, since source.Watermark) (*source.Plan, error) {
	c, err := s.start(ctx, wire.Plan, wire.Request{Protocol: wire.Version, Config: s.config, Since: since})
	if err != nil {
		return nil, err
	}
	defer func() { _ = c.stop() }()
	plan := &source.Plan{}
	for {
		l, err := c.line(ctx)
		if err != nil {
			return nil, err
		}
		if done, err := s.planned(plan, l); err != nil {
			return nil, err
		} else if done {
			break
		}
	}
	if err := c.finish(); err != nil {
		return nil, err
	}
	return s.checked(plan)
}

// maxParts bounds a plan; a run has fewer (docs/adr/0024).
const maxParts = 65536

// maxNotes bounds what a plan says to people.
const maxNotes = 100

// planned takes a line of mode plan.
func (s *Source) planned(p *source.Plan, l wire.Line) (done bool, err error) {
	switch l.Type {
	case wire.Schema:
		p.Schema = &arrowio.Schema{}
		if err := json.Unmarshal(l.Schema, p.Schema); err != nil {
			return false, broken(s.name, "its schema cannot be read: %v", err)
		}
	case wire.Part:
		if l.ID == "" || len(p.Parts) == maxParts {
			return false, broken(s.name, "partition %d has no id, or is more than the %d that fit", len(p.Parts), maxParts)
		}
		p.Parts = append(p.Parts, source.Part{ID: l.ID, Name: l.Name, Bytes: l.Bytes, Rows: l.Rows, Spec: l.Spec})
	case wire.Watermark:
		p.Next, p.Seen = l.Watermark, l.Seen
	case wire.Done:
		return true, nil
	case wire.Log:
		if len(p.Notes) < maxNotes {
			p.Notes = append(p.Notes, l.Message)
		}
		return false, s.other(l, wire.Plan)
	default:
		return false, s.other(l, wire.Plan)
	}
	return false, nil
}

func (s *Source) checked(p *source.Plan) (*source.Plan, error) {
	if p.Schema == nil {
		return nil, broken(s.name, "its plan has no schema")
	}
	if name, twice := p.Schema.Duplicate(); twice {
		return nil, &source.Error{Code: "duplicate_column", Message: fmt.Sprintf("source program %s: the schema has the column %q twice; rename one in the source", s.name, name)}
	}
	ids := map[string]bool{}
	for i := range p.Parts {
		part := &p.Parts[i]
		if ids[part.ID] {
			return nil, broken(s.name, "two partitions have the id %q", part.ID)
		}
		ids[part.ID] = true
		if part.Name == "" {
			part.Name = part.ID
		}
		var err error
		if part.Spec, err = json.Marshal(spec{part.Spec, p.Schema}); err != nil {
			return nil, broken(s.name, "the spec of partition %q is not JSON: %v", part.ID, err)
		}
	}
	return p, nil
}

// other takes lines that come in every mode.
func (s *Source) other(l wire.Line, mode string) error {
	switch l.Type {
	case wire.Log:
		s.log.Info("source program says", "program", s.name, "level", l.Level, "text", l.Message)
		return nil
	case wire.Failed:
		if l.Message == "" {
			l.Message = "it failed and did not say why"
		}
		if l.Retry {
			return fmt.Errorf("source program %s: %w", s.name, errors.New(l.Message))
		}
		return &source.Error{Code: l.Code, Message: fmt.Sprintf("source program %s: %s", s.name, l.Message)}
	}
	return broken(s.name, "a line of type %q does not belong to mode %s", l.Type, mode)
}

// broken is a program that does not keep to the protocol: another try would not mend it.
func broken(name, format string, args ...any) error {
	return &source.Error{Code: "bad_source_program", Message: fmt.Sprintf("source program %s: ", name) + fmt.Sprintf(format, args...)}
}
