package validator

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/leathq/leat/pkg/arrowio"
	"github.com/leathq/leat/pkg/arrowio/file"
	"github.com/leathq/leat/pkg/dataset"
	"github.com/leathq/leat/pkg/flow"
	"github.com/leathq/leat/services/validator/internal/gx"
	"github.com/leathq/leat/services/validator/internal/spill"
	"github.com/leathq/leat/services/validator/internal/sqlite"
)

// Kind is that of stages that hold rows against a suite, and keep them.
const Kind = "validate"

// stage does the stages of kind validate. It implements flow.Handler.
type stage struct {
	cfg     Config
	metrics *metrics

	mu    sync.Mutex
	plans map[[sha256.Size]byte]*compiled
}

var _ flow.Handler = (*stage)(nil)

func newStage(cfg Config, m *metrics) *stage {
	return &stage{cfg: cfg, metrics: m, plans: map[[sha256.Size]byte]*compiled{}}
}

// compiled is a stage's spec for the schema of its run.
type compiled struct {
	spec    *Spec
	schema  *arrowio.Schema
	plan    *gx.Plan
	reasons [][]byte // by ordinal: why a row failed, in JSON
	away    *arrowio.Schema
}

// Kind implements flow.Handler.
func (*stage) Kind() string { return Kind }

// Check implements flow.Handler.
func (*stage) Check(spec []byte) error { return CheckSpec(spec) }

// mostPlans is how many compiled suites are kept.
const mostPlans = 64

// compile is the plan of a spec for a schema, made once.
func (s *stage) compile(spec, schema []byte) (*compiled, error) {
	key := sha256.Sum256(append(append([]byte{}, spec...), schema...))
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.plans[key]; c != nil {
		return c, nil
	}
	c, err := s.make(spec, schema)
	if final := (*flow.Error)(nil); err != nil && !errors.As(err, &final) {
		err = &flow.Error{Code: "invalid_suite", Message: err.Error()}
	}
	if err != nil {
		return nil, err
	}
	if len(s.plans) >= mostPlans {
		clear(s.plans)
	}
	s.plans[key] = c
	return c, nil
}

func (s *stage) make(spec, schema []byte) (c *compiled, err error) {
	c = &compiled{schema: &arrowio.Schema{}}
	if c.spec, err = readSpec(spec); err != nil {
		return nil, err
	}
	if err := json.Unmarshal(schema, c.schema); err != nil {
		return nil, fmt.Errorf("the schema of the run: %w", err)
	}
	suite := c.spec.suite
	if suite == nil {
		suite = &gx.Suite{}
	}
	c.plan, err = gx.Compile(suite, c.schema, gx.Options{
		Format: c.spec.format, Parameters: c.spec.parameters, Bytes: int64(s.cfg.Memory), Space: spill.Dir(scratch(s.cfg)),
		SQL: c.spec.SQL, Tables: c.spec.tables, Apart: true, SQLBytes: int64(s.cfg.SQL), Raise: raiseSQL, // the rows lie in shards already
		Database: func() (gx.Database, error) { return sqlite.Open(scratch(s.cfg)) },
	})
	if err != nil {
		return nil, fmt.Errorf("suite: %w", err)
	}
	for i, e := range suite.Expectations {
		reason := reason{Ordinal: i, Type: e.Type}
		if column, ok := e.Kwargs.Get("column"); ok {
			reason.Column, _ = column.(string)
		}
		text, err := json.Marshal(reason)
		if err != nil {
			return nil, err
		}
		c.reasons = append(c.reasons, text)
	}
	if c.away, err = quarantineSchema(c.schema); err != nil {
		return nil, err
	}
	return c, storable(c.away)
}

// storable refuses rows that no shard can hold, which is so however often it is tried.
func storable(s *arrowio.Schema) error {
	w, err := file.NewParquetWriter(io.Discard, s, file.WriteOptions{})
	if err != nil {
		return &flow.Error{Code: "not_storable", Message: fmt.Sprintf("the rows cannot be kept: %v", err)}
	}
	return w.Close()
}

// Segment implements flow.Handler.
func (s *stage) Segment(_ context.Context, p flow.Place) (flow.Segment, error) {
	c, err := s.compile(p.Stage.GetSpec(), p.Schema)
	if err != nil {
		return nil, err
	}
	out := &segment{stage: s, c: c, place: p, state: c.plan.NewState(), row: p.FirstRow, forwards: read(p), sets: dataset.New(p.Blob)}
	if out.valid, err = out.sets.NewRowWriter(c.schema); err == nil {
		out.away, err = out.sets.NewRowWriter(c.away)
	}
	if err != nil {
		out.Discard()
		return nil, fmt.Errorf("begin a segment: %w", err)
	}
	return out, nil
}

// read says whether a stage reads what this one makes.
func read(p flow.Place) bool {
	for _, s := range p.Run.GetStages() {
		if s.GetFrom() == p.Stage.GetName() {
			return true
		}
	}
	return false
}
