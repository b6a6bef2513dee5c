package sourceruns_test

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/leathq/leat/e2e/driver/programs"
)

// texts is a run over a table of Iceberg that a catalog in a file knows. It checks nothing, so that any new row makes a version.
const texts = `
name: texts
source:
  type: iceberg
  catalog: {type: sql, name: leat, file: catalog.db}
  table: db.texts
dataset: ` + dataset + "\n"

// text is a row of the table.
type text struct {
	ID   int64  `json:"id"`
	Lang any    `json:"lang"` // a text, or null
	Text string `json:"text"`
}

// written are the rows that table.py writes.
func written(from, to int64) (out []text) {
	for i := from; i < to; i++ {
		out = append(out, text{i, []any{"de", "nl", nil}[i%3], fmt.Sprintf("text %d — ü", i)})
	}
	return out
}

// sorted are rows by their numbers: those of a run come by the names of files, which pyiceberg makes up.
func sorted(rows []text) []text {
	slices.SortFunc(rows, func(a, b text) int { return int(a.ID - b.ID) })
	return rows
}

// A run over a table that pyiceberg writes takes all of its rows, the next one those of the snapshots that were appended since.
func TestRunsOverAnIcebergTableTakeWhatWasAppended(t *testing.T) {
	if out, err := exec.CommandContext(t.Context(), "../../services/ingestor/sources/install.sh").CombinedOutput(); err != nil {
		t.Fatalf("install.sh: %v\n%s", err, out)
	}
	f := newFleet(t, "iceberg")
	python := filepath.Join(programs.Cache(), "source-programs", "venv", "bin", "python")
	add := func(from, to int64) {
		t.Helper()
		if out, err := exec.CommandContext(t.Context(), python, "table.py", f.dir, fmt.Sprint(from), fmt.Sprint(to)).CombinedOutput(); err != nil {
			t.Fatalf("table.py: %v\n%s", err, out)
		}
	}
	add(0, 3000)
	same(t, "the first run", sorted(takes[text](f, "first", texts)), written(0, 3000))
	add(3000, 3100)
	add(3100, 3700)
	same(t, "the second run", sorted(takes[text](f, "second", texts)), written(3000, 3700))
	f.findsNothing("third", texts)
	add(3700, 3701)
	same(t, "the fourth run", takes[text](f, "fourth", texts), written(3700, 3701))
}
