package gx_test

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"testing"

	"github.com/leathq/leat/pkg/arrowio"
	"github.com/leathq/leat/services/validator/internal/gx"
)

// However rows are cut into batches and parts, and however parts are merged and carried, the result has the same bytes.
func TestResultDoesNotDependOnCuts(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, c := range readCases(t, "testdata/gx_open/*.jsonl") {
		t.Run(c.Type+"/"+c.ID, func(t *testing.T) {
			b := c.table(t)
			plan, err := gx.Compile(c.suite(t), b.Schema(), c.options(t))
			if err != nil {
				t.Fatal(err)
			}
			whole := plan.NewState()
			if _, err := whole.Add(b); err != nil {
				t.Fatal(err)
			}
			want := resultBytes(t, plan, whole)
			total := plan.NewTotal()
			if err := total.Merge(pieces(t, rng, plan, b.Slice(0, b.Rows()/2))); err != nil {
				t.Fatal(err)
			}
			if _, err := total.Add(b.Slice(b.Rows()/2, b.Rows())); err != nil {
				t.Fatal(err)
			}
			if got := resultBytes(t, plan, total); !bytes.Equal(got, want) {
				t.Fatalf("as a total:\n%s\nwhole:\n%s\n%s %s", got, want, c.Kwargs, c.Cols)
			}
			for range 3 {
				if got := resultBytes(t, plan, pieces(t, rng, plan, b)); !bytes.Equal(got, want) {
					t.Fatalf("in pieces:\n%s\nwhole:\n%s\n%s %s", got, want, c.Kwargs, c.Cols)
				}
			}
		})
	}
}

func resultBytes(t *testing.T, plan *gx.Plan, s *gx.State) []byte {
	t.Helper()
	r, err := plan.Result(s)
	if err != nil {
		t.Fatal(err)
	}
	out, err := json.Marshal(r.Results[0].Result)
	if err != nil {
		t.Fatal(err)
	}
	return append(out, r.Results[0].Exception...)
}

// pieces adds random slices to states of their own, carries each as bytes, and merges neighbours in random order.
func pieces(t *testing.T, rng *rand.Rand, plan *gx.Plan, b *arrowio.Batch) *gx.State {
	t.Helper()
	var parts []*gx.State
	for at := 0; at < b.Rows() || len(parts) == 0; {
		s := plan.NewState()
		for range rng.IntN(3) {
			to := min(b.Rows(), at+rng.IntN(4))
			if _, err := s.Add(b.Slice(at, to)); err != nil {
				t.Fatal(err)
			}
			at = to
		}
		parts = append(parts, carried(t, plan, s))
	}
	for len(parts) > 1 {
		i := rng.IntN(len(parts) - 1)
		if err := parts[i].Merge(parts[i+1]); err != nil {
			t.Fatal(err)
		}
		parts = append(parts[:i+1], parts[i+2:]...)
	}
	return carried(t, plan, parts[0])
}

func carried(t *testing.T, plan *gx.Plan, s *gx.State) *gx.State {
	t.Helper()
	data, err := s.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	out, err := plan.LoadState(data)
	if err != nil {
		t.Fatal(err)
	}
	return out
}
