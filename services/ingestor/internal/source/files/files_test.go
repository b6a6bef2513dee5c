package files_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/leathq/leat/services/ingestor/internal/source"
	"github.com/leathq/leat/services/ingestor/internal/source/files"
	"github.com/leathq/leat/services/ingestor/internal/source/sourcetest"
)

// Globs match as shells with ** do, and directories give what counts in them, sorted and each once.
func TestList(t *testing.T) {
	dir := sourcetest.Write(t, map[string]string{"a/1.csv": "", "a/b/2.csv": "", "a/b/c/3.csv": "", "a/x.txt": "", ".h/4.csv": "", "a/_tmp/5.csv": "", "a/.6.csv": "", "z[1].csv": ""})
	if err := os.Symlink(filepath.Join(dir, "a/1.csv"), filepath.Join(dir, "a/link.csv")); err != nil {
		t.Fatal(err)
	}
	csv := func(name string) bool { return strings.HasSuffix(name, ".csv") }
	for patterns, want := range map[string]string{
		"a":               "a/1.csv a/b/2.csv a/b/c/3.csv a/link.csv",
		"a/*.csv":         "a/.6.csv a/1.csv a/link.csv",
		"a/**/[23].csv":   "a/b/2.csv a/b/c/3.csv",
		"**/3.*":          "a/b/c/3.csv",
		"a/x.txt":         "a/x.txt",
		"./a/b,a/b/2.csv": "a/b/2.csv a/b/c/3.csv",
		"file://a/b/":     "a/b/2.csv a/b/c/3.csv",
		"*/?.csv":         ".h/4.csv a/1.csv",
		"nothing/*.csv":   "",
		".":               "a/1.csv a/b/2.csv a/b/c/3.csv a/link.csv z[1].csv",
	} {
		es, err := files.Local{Dir: dir}.List(t.Context(), strings.Split(patterns, ","), csv)
		var got []string
		for _, e := range es {
			got = append(got, e.Name)
		}
		if err != nil || strings.Join(got, " ") != want {
			t.Errorf("%s: %v, not %s: %v", patterns, got, want, err)
		}
	}
	if _, err := (files.Local{Dir: dir}).List(t.Context(), []string{"nothing"}, csv); source.CodeOf(err) != source.Missing {
		t.Errorf("a file that is not there: %v", err)
	}
}

// Partitions hold neighbouring files in order, each once, about as large as asked for and never more than allowed.
func TestGroup(t *testing.T) {
	for _, c := range []struct {
		sizes []int64
		size  int64
		most  int
		want  []int // files in each
	}{
		{[]int64{10, 10, 10, 10}, 20, 8, []int{2, 2}},
		{[]int64{10, 10, 10, 10}, 1, 8, []int{1, 1, 1, 1}},
		{[]int64{10, 10, 10, 10}, 1, 2, []int{2, 2}},
		{[]int64{100, 1, 1, 1}, 50, 8, []int{1, 3}},
		{[]int64{1, 1, 1, 100}, 50, 8, []int{3, 1}},
		{[]int64{0, 0, 0}, 50, 8, []int{3}},
		{nil, 50, 8, nil},
	} {
		got := files.GroupSizes(c.sizes, c.size, c.most)
		if !slices.Equal(got, c.want) {
			t.Errorf("%v by %d, at most %d: %v, not %v", c.sizes, c.size, c.most, got, c.want)
		}
	}
}
