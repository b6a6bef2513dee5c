package dataset_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/leathq/leat/pkg/arrowio"
	"github.com/leathq/leat/pkg/blob"
	"github.com/leathq/leat/pkg/dataset"
)

func rows(from, to int) *arrowio.Batch {
	var ids []int64
	var names []*string
	for i := from; i < to; i++ {
		ids = append(ids, int64(i*37%1000))
		name := fmt.Sprintf("name %d", i)
		if names = append(names, &name); i%10 == 0 {
			names[len(names)-1] = nil
		}
	}
	return arrowio.BatchOf(arrowio.Of("id", ids), arrowio.Of("name", names))
}

func write(t *testing.T, d *dataset.Datasets, batches ...*arrowio.Batch) (dataset.Shard, []dataset.Column) {
	t.Helper()
	w, err := d.NewRowWriter(batches[0].Schema())
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range batches {
		if err := w.Add(b); err != nil {
			t.Fatal(err)
		}
	}
	s, columns, err := w.Close(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return s, columns
}

func datasets(t *testing.T) (*dataset.Datasets, string) {
	dir := t.TempDir()
	s, err := blob.Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return dataset.New(s), dir
}

// A shard is named by its rows: however they come in, it is the same one, and it gives them back.
func TestTheSameRowsAreTheSameShard(t *testing.T) {
	d, _ := datasets(t)
	whole, columns := write(t, d, rows(0, 5000))
	pieces, again := write(t, d, rows(0, 1), rows(1, 1700), rows(1700, 5000))
	if whole != pieces || whole.Rows != 5000 {
		t.Errorf("in one batch %+v, in three %+v", whole, pieces)
	}
	for i := range columns {
		a, b := columns[i], again[i]
		if *a.Min != *b.Min || *a.Max != *b.Max || a.Nulls != b.Nulls || a.Rows != b.Rows {
			t.Errorf("statistics: in one batch %+v, in three %+v", a, b)
		}
	}
	if c := columns[0]; *c.Min != "0" || *c.Max != "999" || columns[1].Nulls != 500 || *columns[1].Min != "name 1" {
		t.Errorf("statistics %+v, min %s max %s, min %s", columns, *c.Min, *c.Max, *columns[1].Min)
	}
	var ids []int64
	if err := d.Read(t.Context(), whole, []string{"id"}, func(b *arrowio.Batch) error {
		ids = append(ids, b.Column(0).Int64s()...)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(ids, rows(0, 5000).Column(0).Int64s()) {
		t.Error("the rows come back changed")
	}
}

// Bounds of parts add up, and one that is not known makes no false bound.
func TestBoundsOfPartsAddUp(t *testing.T) {
	d, _ := datasets(t)
	long := strings.Repeat("a", 300)
	schema := arrowio.BatchOf(arrowio.Of("t", []string{"x"})).Schema()
	part := func(texts ...*string) []dataset.Column {
		_, c := write(t, d, arrowio.BatchOf(arrowio.Of("t", texts)))
		return c
	}
	text := func(s string) *string { return &s }
	for _, tc := range []struct {
		name     string
		a, b     []*string
		min, max string // "-": not known
	}{
		{"ordered", []*string{text("b"), text("c")}, []*string{text("a"), nil}, "a", "c"},
		{"all null before", []*string{nil}, []*string{text("q")}, "q", "q"},
		{"all null after", []*string{text("q")}, []*string{nil, nil}, "q", "q"},
		{"too long", []*string{text(long)}, []*string{text("b")}, "-", "-"},
		{"nothing", []*string{nil}, []*string{nil}, "-", "-"},
	} {
		got := dataset.MergeColumns(schema, part(tc.a...), part(tc.b...))[0]
		show := func(s *string) string {
			if s == nil {
				return "-"
			}
			return *s
		}
		if show(got.Min) != tc.min || show(got.Max) != tc.max || got.Rows != int64(len(tc.a)+len(tc.b)) {
			t.Errorf("%s: %s to %s of %d rows, want %s to %s", tc.name, show(got.Min), show(got.Max), got.Rows, tc.min, tc.max)
		}
	}
}

// Damage is found before a row is given.
func TestADamagedShardGivesNoRows(t *testing.T) {
	d, dir := datasets(t)
	s, _ := write(t, d, rows(0, 100))
	path := filepath.Join(dir, s.Path)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)/2] ^= 1
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	given := 0
	err = d.Read(t.Context(), s, nil, func(*arrowio.Batch) error { given++; return nil })
	if damage := (*blob.DigestError)(nil); !errors.As(err, &damage) || given != 0 {
		t.Errorf("%d batches and %v, want a *blob.DigestError", given, err)
	}
}

// What is given up, or has no rows, leaves nothing: neither in the store nor among temporary files.
func TestNothingIsKeptOfNoRows(t *testing.T) {
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	d, dir := datasets(t)
	w, err := d.NewRowWriter(rows(0, 1).Schema())
	if err != nil {
		t.Fatal(err)
	}
	if s, _, err := w.Close(context.WithoutCancel(t.Context())); err != nil || s.Digest != "" {
		t.Errorf("no rows: %+v, %v", s, err)
	}
	if w, err = d.NewRowWriter(rows(0, 1).Schema()); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(w.Add(rows(0, 10)), w.Discard()); err != nil {
		t.Fatal(err)
	}
	for _, at := range []string{tmp, filepath.Join(dir, "shards")} {
		if left, _ := os.ReadDir(at); len(left) > 0 {
			t.Errorf("%s has %v", at, left)
		}
	}
}
