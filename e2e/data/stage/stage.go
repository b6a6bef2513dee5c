package stage

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"sync"

	"github.com/leathq/leat/pkg/arrowio"
	"github.com/leathq/leat/pkg/dataset"
	"github.com/leathq/leat/pkg/flow"
	datav1 "github.com/leathq/leat/proto/gen/leat/data/v1"
	"github.com/leathq/leat/services/validator/check"
)

// Kind is that of stages that this service does.
const Kind = "check"

// spec is that of a stage.
type spec struct {
	Suite json.RawMessage `json:"suite"`
}

// checking does the stages of kind check. It implements flow.Handler.
type checking struct {
	datasets *dataset.Datasets

	mu    sync.Mutex
	plans map[string]*check.Plan // by suite and schema
}

// Kind implements flow.Handler.
func (*checking) Kind() string { return Kind }

// Check implements flow.Handler.
func (*checking) Check(raw []byte) error {
	var s spec
	return json.Unmarshal(raw, &s)
}

// Segment implements flow.Handler.
func (c *checking) Segment(_ context.Context, p flow.Place) (flow.Segment, error) {
	return &segment{c: c, place: p, counts: &datav1.Counts{}}, nil
}

// plan compiles a suite for a schema once.
func (c *checking) plan(raw []byte, s *arrowio.Schema) (*check.Plan, error) {
	var own spec
	if err := json.Unmarshal(raw, &own); err != nil {
		return nil, err
	}
	key := string(own.Suite) + s.Fingerprint()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.plans == nil {
		c.plans = map[string]*check.Plan{}
	}
	if p := c.plans[key]; p != nil {
		return p, nil
	}
	p, err := check.Compile(own.Suite, s, check.Options{})
	if err != nil {
		return nil, &flow.Error{Code: "suite", Message: err.Error()}
	}
	c.plans[key] = p
	return p, nil
}

// Finish implements flow.Handler: the states of all segments, merged in order, are the verdict.
func (c *checking) Finish(ctx context.Context, f flow.Finishing) (*datav1.StageFinished, error) {
	var schema arrowio.Schema
	if err := json.Unmarshal(f.Schema, &schema); err != nil {
		return nil, err
	}
	plan, err := c.plan(f.Stage.GetSpec(), &schema)
	if err != nil {
		return nil, err
	}
	all := plan.NewState()
	for _, partition := range f.Segments {
		for _, d := range partition {
			if err := c.merge(ctx, plan, all, d); err != nil {
				return nil, err
			}
		}
	}
	result, err := plan.Result(all)
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(result)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(text)
	return &datav1.StageFinished{Success: true, Verdicts: []*datav1.Verdict{{Gate: "suite", Status: fmt.Sprint(result.Success), Reason: hex.EncodeToString(sum[:])}}}, nil
}

func (c *checking) merge(ctx context.Context, plan *check.Plan, all *check.State, d *datav1.SegmentDone) error {
	for _, o := range d.GetObjects() {
		if o.GetRole() != "state" {
			continue
		}
		r, err := c.datasets.Open(ctx, o.GetKey(), o.GetDigest())
		if err != nil {
			return err
		}
		data, err := io.ReadAll(r)
		if err := r.Close(); err != nil {
			return err
		}
		if err != nil {
			return err
		}
		s, err := plan.LoadState(data)
		if err != nil {
			return err
		}
		if err := all.Merge(s); err != nil {
			return err
		}
	}
	return nil
}
