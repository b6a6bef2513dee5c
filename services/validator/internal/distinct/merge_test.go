package distinct_test

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/leathq/leat/services/validator/internal/distinct"
	"github.com/leathq/leat/services/validator/internal/presence"
	"github.com/leathq/leat/services/validator/internal/spill"
)

func bytesOf(t *testing.T, s *distinct.State) string {
	t.Helper()
	data, err := s.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func parts(t *testing.T, c column, o distinct.Options, rng *rand.Rand) *distinct.State {
	t.Helper()
	var states []*distinct.State
	for from := 0; from < len(c.there) || len(states) == 0; {
		s := distinct.New(c.kind, o)
		for range 1 + rng.IntN(3) {
			to := min(len(c.there), from+rng.IntN(7000))
			add(t, s, c, from, to)
			from = to
		}
		if rng.IntN(2) == 0 {
			back := distinct.New(distinct.Int, distinct.Options{Bytes: o.Bytes, Space: o.Space})
			if err := back.UnmarshalBinary([]byte(bytesOf(t, s))); err != nil {
				t.Fatal(err)
			}
			s = back
		}
		states = append(states, s)
	}
	for len(states) > 1 {
		i := rng.IntN(len(states) - 1)
		if err := states[i].Merge(states[i+1]); err != nil {
			t.Fatal(err)
		}
		if err := states[i+1].Close(); err != nil {
			t.Fatal(err)
		}
		states = slices.Delete(states, i+1, i+2)
	}
	return states[0]
}

func TestCutsMergesAndScratchFilesDoNotShow(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for _, kind := range []distinct.Kind{distinct.Float, distinct.Bytes} {
		for _, values := range []int{40, 6000, 1 << 30} {
			for _, repeats := range []int{0, 7, distinct.AllRows} {
				c := random(rng, kind, 12000, values)
				whole := distinct.New(kind, distinct.Options{Repeats: repeats})
				add(t, whole, c, 0, len(c.there))
				want := bytesOf(t, whole)
				for _, bound := range []int64{0, 120_000} {
					where := fmt.Sprintf("kind %d, %d values, repeats %d, bound %d", kind, values, repeats, bound)
					cut := parts(t, c, distinct.Options{Repeats: repeats, Bytes: bound, Space: spill.Dir(t.TempDir())}, rng)
					if bytesOf(t, cut) != want {
						t.Fatalf("%s: parts have other bytes than the whole", where)
					}
					check(t, where, cut, c, repeats)
					if err := cut.Close(); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
	}
}

func TestAStateGoesOnAfterItWasRead(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	c := random(rng, distinct.Bytes, 30000, 9000)
	s := distinct.New(distinct.Bytes, distinct.Options{Repeats: distinct.AllRows, Bytes: 100_000, Space: spill.Dir(t.TempDir())})
	for from := 0; from < len(c.there); from += 10000 {
		add(t, s, c, from, from+10000)
		if _, err := s.Distinct(); err != nil {
			t.Fatal(err)
		}
	}
	check(t, "read between", s, c, distinct.AllRows)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestTheRepeatsThatAreKeptAreTheFirstOnesAlsoOfSpilledTables(t *testing.T) {
	// As many values as are looked at before the list of rows is cut: the last cut leaves just those that are kept.
	values := make([]int64, 4*7+1024+1)
	for i := range values {
		values[i] = int64(i)
	}
	states := [2]string{}
	for i, bound := range []int64{0, 1} {
		s := distinct.New(distinct.Int, distinct.Options{Repeats: 7, Bytes: bound, Space: spill.Dir(t.TempDir())})
		for range 2 {
			if err := distinct.AddInts(s, values, presence.Mask{}); err != nil {
				t.Fatal(err)
			}
		}
		states[i] = bytesOf(t, s)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if states[0] != states[1] {
		t.Error("a spilled state keeps other repeats")
	}
}

func TestRelationToASet(t *testing.T) {
	column, set := distinct.New(distinct.Int, distinct.Options{}), distinct.New(distinct.Int, distinct.Options{})
	_ = distinct.AddInts(column, []int64{5, 1, 9, 5, 7}, presence.Mask{})
	_ = distinct.AddInts(set, []int64{3, 5, 4}, presence.Mask{})
	r, err := column.Relate(set, 2)
	if err != nil || r.Outside != 3 || len(r.Some) != 2 || r.Some[0].Int() != 1 || r.Some[1].Int() != 9 || len(r.Missing) != 2 ||
		(distinct.Entry{Value: r.Missing[0]}).Int() != 3 || (distinct.Entry{Value: r.Missing[1]}).Int() != 4 {
		t.Errorf("%+v, %v", r, err)
	}
	entries, err := column.Entries(10)
	if err != nil || !slices.IsSortedFunc(entries, func(a, b distinct.Entry) int { return cmp.Compare(a.First, b.First) }) || entries[0].Int() != 5 {
		t.Errorf("%v, %v", entries, err)
	}
	if _, err := column.Entries(3); err == nil {
		t.Error("more entries than the limit are listed")
	}
}

func TestNegativeZeroIsZeroAndNaNIsMissing(t *testing.T) {
	s := distinct.New(distinct.Float, distinct.Options{})
	_ = distinct.AddFloats(s, []float64{0, math.Copysign(0, -1), math.NaN(), math.NaN()}, presence.Mask{})
	if n, _ := s.Distinct(); n != 1 || s.Count() != 2 || s.Rows() != 4 {
		t.Errorf("%d distinct of %d values in %d rows", n, s.Count(), s.Rows())
	}
}

func TestMisuseIsNamed(t *testing.T) {
	s := distinct.New(distinct.Int, distinct.Options{Repeats: 3})
	if distinct.AddFloats(s, []float64{1}, presence.Mask{}) == nil || s.AddText(nil, true) == nil || s.Merge(distinct.New(distinct.Uint, distinct.Options{Repeats: 3})) == nil ||
		s.Merge(distinct.New(distinct.Int, distinct.Options{})) == nil {
		t.Error("values of another kind went in")
	}
	if _, err := s.Duplicates(4); err == nil {
		t.Error("more repeats are named than are kept")
	}
	full := distinct.New(distinct.Int, distinct.Options{Bytes: 1000})
	values := make([]int64, 10000)
	for i := range values {
		values[i] = int64(i)
	}
	if distinct.AddInts(full, values, presence.Mask{}) == nil {
		t.Error("the state grew beyond its bound")
	}
}

func FuzzState(f *testing.F) {
	for _, kind := range kinds {
		s := distinct.New(kind, distinct.Options{Repeats: distinct.AllRows})
		add(f, s, random(rand.New(rand.NewPCG(1, 1)), kind, 20, 6), 0, 20)
		data, _ := s.MarshalBinary()
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s := distinct.New(distinct.Int, distinct.Options{})
		if s.UnmarshalBinary(data) != nil {
			return
		}
		again := bytesOf(t, s)
		back := distinct.New(distinct.Int, distinct.Options{})
		if err := back.UnmarshalBinary([]byte(again)); err != nil || bytesOf(t, back) != again {
			t.Fatalf("what was read cannot be written and read: %v", err)
		}
		if _, err := s.Duplicates(0); err != nil {
			t.Fatal(err)
		}
		if err := s.Merge(back); err != nil {
			t.Fatal(err)
		}
	})
}
