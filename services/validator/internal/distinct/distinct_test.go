package distinct_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/leathq/leat/services/validator/internal/distinct"
	"github.com/leathq/leat/services/validator/internal/presence"
	"github.com/leathq/leat/services/validator/internal/spill"
)

// column is rows of one kind; a row is there or not.
type column struct {
	kind  distinct.Kind
	words []uint64
	texts [][]byte
	there []bool
}

func (c column) value(i int) []byte {
	if c.kind == distinct.Bytes {
		return c.texts[i]
	}
	return binary.LittleEndian.AppendUint64(nil, c.words[i])
}

func random(rng *rand.Rand, kind distinct.Kind, n, values int) column {
	c := column{kind: kind}
	for range n {
		v := rng.IntN(values)
		c.there = append(c.there, rng.IntN(8) > 0)
		c.texts = append(c.texts, []byte(strings.Repeat("x", v%40)+fmt.Sprint(v)))
		w := uint64(v) * 0x9e3779b97f4a7c15
		if kind == distinct.Float {
			w = math.Float64bits(float64(v) / 7)
		}
		c.words = append(c.words, w)
	}
	return c
}

func add(t testing.TB, s *distinct.State, c column, from, to int) {
	t.Helper()
	mask := presence.Mask{Bits: make([]byte, (to-from)/8+2), Offset: 3}
	var ints []int64
	var floats []float64
	var data []byte
	offsets := []int32{0}
	for i := from; i < to; i++ {
		if c.there[i] {
			at := i - from + 3
			mask.Bits[at/8] |= 1 << (at % 8)
		}
		ints, floats, data = append(ints, int64(c.words[i])), append(floats, math.Float64frombits(c.words[i])), append(data, c.texts[i]...)
		offsets = append(offsets, int32(len(data)))
	}
	var err error
	switch c.kind {
	case distinct.Int:
		err = distinct.AddInts(s, ints, mask)
	case distinct.Uint:
		err = distinct.AddUints(s, c.words[from:to], mask)
	case distinct.Float:
		err = distinct.AddFloats(s, floats, mask)
	case distinct.Bytes:
		err = distinct.AddTexts(s, data, offsets, mask, func() int64 { return int64(len(data)) })
	}
	if err != nil {
		t.Fatal(err)
	}
}

// model is the plain answer: rows of each value.
func model(c column) map[string][]uint64 {
	rows := map[string][]uint64{}
	for i, there := range c.there {
		if there {
			v := string(c.value(i))
			rows[v] = append(rows[v], uint64(i))
		}
	}
	return rows
}

func check(t *testing.T, where string, s *distinct.State, c column, repeats int) {
	t.Helper()
	want := model(c)
	seen := 0
	err := s.Each(func(e distinct.Entry) error {
		seen++
		rows := want[string(e.Value)]
		if uint64(len(rows)) != e.Count || rows[0] != e.First || repeats < 0 && fmt.Sprint(e.Repeats) != fmt.Sprint(rows[1:]) {
			return fmt.Errorf("%q: %d times, first %d, repeats %v; rows are %v", e.Value, e.Count, e.First, e.Repeats, rows)
		}
		return nil
	})
	if n, _ := s.Distinct(); err != nil || seen != len(want) || n != uint64(seen) {
		t.Fatalf("%s: %d (%d) of %d values, %v", where, seen, n, len(want), err)
	}
	checkDuplicates(t, where, s, want, repeats)
	checkMost(t, where, s, want)
	if s.Rows() != uint64(len(c.there)) {
		t.Fatalf("%s: %d rows of %d", where, s.Rows(), len(c.there))
	}
}

func checkDuplicates(t *testing.T, where string, s *distinct.State, want map[string][]uint64, repeats int) {
	t.Helper()
	var rows []uint64
	values := 0
	for _, r := range want {
		if len(r) > 1 {
			rows = append(rows, r...)
			values++
		}
	}
	slices.Sort(rows)
	d, err := s.Duplicates(repeats)
	if err != nil || d.Rows != uint64(len(rows)) || d.Values != uint64(values) {
		t.Fatalf("%s: %d rows of %d values are not unique (%v), want %d of %d", where, d.Rows, d.Values, err, len(rows), values)
	}
	if repeats >= 0 {
		rows = rows[:min(repeats, len(rows))]
	}
	if len(rows) != len(d.First) {
		t.Fatalf("%s: %d rows are named, want %d", where, len(d.First), len(rows))
	}
	for i, r := range d.First {
		if r.Number != rows[i] || !slices.Contains(want[string(r.Value)], r.Number) {
			t.Fatalf("%s: row %d of the list is %d, want %d", where, i, r.Number, rows[i])
		}
	}
}

func checkMost(t *testing.T, where string, s *distinct.State, want map[string][]uint64) {
	t.Helper()
	most := 0
	for _, r := range want {
		most = max(most, len(r))
	}
	var ties []string
	for v, r := range want {
		if len(r) == most {
			ties = append(ties, v)
		}
	}
	slices.SortFunc(ties, func(a, b string) int { return s.Compare([]byte(a), []byte(b)) })
	got, n, err := s.MostCommon(5)
	if err != nil || n != uint64(len(ties)) || len(got) != min(5, len(ties)) {
		t.Fatalf("%s: %d ties (%d listed, %v), want %d", where, n, len(got), err, len(ties))
	}
	for i, e := range got {
		if string(e.Value) != ties[i] || e.Count != uint64(most) {
			t.Fatalf("%s: most common %d is %q, want %q", where, i, e.Value, ties[i])
		}
	}
}

var kinds = []distinct.Kind{distinct.Int, distinct.Uint, distinct.Float, distinct.Bytes}

func TestCountsRowsAndTiesAreThoseOfThePlainAnswer(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, kind := range kinds {
		for _, shape := range [][2]int{{0, 1}, {1, 1}, {50, 5}, {9000, 1}, {9000, 3000}, {20000, 1 << 30}} {
			for _, repeats := range []int{0, 7, distinct.AllRows} {
				c := random(rng, kind, shape[0], shape[1])
				s := distinct.New(kind, distinct.Options{Repeats: repeats})
				add(t, s, c, 0, len(c.there))
				check(t, fmt.Sprintf("kind %d, %v, repeats %d", kind, shape, repeats), s, c, repeats)
			}
		}
	}
}

// What rose and does so no more goes into the table within the bound, also behind a beginning that counts up by one, of whatever length.
func TestWhatRoseSettlesWithinTheBound(t *testing.T) {
	for _, counted := range []int{0, 3, 64, 5000} {
		s := distinct.New(distinct.Int, distinct.Options{Bytes: 1 << 20})
		rows := make([]int64, 100_000)
		for i := range rows {
			if rows[i] = int64(i); i >= counted {
				rows[i] = int64(2*i + 10)
			}
		}
		for part := range slices.Chunk(rows, 10_000) {
			if err := distinct.AddInts(s, part, presence.Mask{}); err != nil {
				t.Fatal(err)
			}
		}
		_, err := s.Distinct()
		if err != nil || s.Count() != 100_000 {
			t.Fatalf("%d values, %v", s.Count(), err)
		}
		err = distinct.AddInts(s, []int64{1}, presence.Mask{}) // it ends what rose
		held := 0
		if !errors.Is(err, spill.ErrNone) {
			t.Fatalf("100,000 values in a megabyte: %v", err)
		}
		if _, err := fmt.Sscanf(err.Error(), "count distinct values (%d in memory)", &held); err != nil || held > 40_000 {
			t.Errorf("behind %d that count up: %d values in a megabyte (%v)", counted, held, err)
		}
	}
}
