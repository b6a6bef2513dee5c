package sources_test

import (
	"cmp"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/leathq/leat/services/ingestor"
)

// python is the interpreter that install.sh prepares.
var python = sync.OnceValues(func() (string, error) {
	cmd := exec.Command("./install.sh")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	return strings.TrimSpace(string(out)), err
})

// written is a directory of files that Python's libraries wrote, and what their rows are.
func written(t *testing.T) (string, map[string][]map[string]any) {
	t.Helper()
	interpreter, err := python()
	if err != nil {
		t.Fatalf("install.sh: %v", err)
	}
	dir := t.TempDir()
	if out, err := exec.CommandContext(t.Context(), interpreter, "files.py", dir).CombinedOutput(); err != nil {
		t.Fatalf("files.py: %v\n%s", err, out)
	}
	raw, err := os.ReadFile(filepath.Join(dir, "rows.json"))
	if err != nil {
		t.Fatal(err)
	}
	var rows map[string][]map[string]any
	if err := json.Unmarshal(raw, &rows); err != nil {
		t.Fatal(err)
	}
	return dir, rows
}

// read gives all rows of a source, as JSON has them, and how many records it refused.
func read(t *testing.T, dir, yaml string) (rows []map[string]any, rejects int, err error) {
	t.Helper()
	s, err := ingestor.FileSources().Make([]byte(yaml), ingestor.SourceDeps{Dir: dir, Getenv: os.Getenv, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return nil, 0, err
	}
	p, err := s.Plan(t.Context(), nil)
	if err != nil {
		return nil, 0, err
	}
	for _, part := range p.Parts {
		stream, err := s.Open(t.Context(), part, nil)
		if err != nil {
			return rows, rejects, err
		}
		defer stream.Close()
		for {
			c, err := stream.Next(t.Context())
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return rows, rejects, err
			}
			rejects += len(c.Rejects)
			if c.Batch == nil {
				continue
			}
			for i := range c.Batch.Rows() {
				row := map[string]any{}
				for j, f := range c.Batch.Schema().Fields {
					row[f.Name] = plain(c.Batch.Column(j).Value(i))
				}
				rows = append(rows, row)
			}
		}
	}
	return rows, rejects, nil
}

// plain is a value as files.py prints it and JSON reads it.
func plain(v any) any {
	switch v := v.(type) {
	case int64:
		return float64(v)
	case []byte:
		return hex.EncodeToString(v)
	case time.Time:
		return v.UTC().Format("2006-01-02T15:04:05.000000Z")
	case *big.Rat:
		return v.FloatString(2)
	case []any:
		for i := range v {
			v[i] = plain(v[i])
		}
		return v
	case map[string]any:
		for k := range v {
			v[k] = plain(v[k])
		}
	}
	return v
}

// Files and tables that pyarrow and deltalake write are read to the value.
func TestFilesOfPython(t *testing.T) {
	dir, want := written(t)
	types := map[string]string{
		".parquet": "parquet", ".feather": "feather", ".arrow": "arrow", ".csv": "csv", ".jsonl": "jsonl", ".gz": "jsonl", ".zst": "jsonl", ".bz2": "jsonl",
	}
	yaml := map[string]string{
		"parted": "type: delta\npath: parted", "log@6": "type: delta\npath: log\nversion: 6", "log@8": "type: delta\npath: log\nversion: 8",
		"log@9": "type: delta\npath: log\nversion: 9", "log@10": "type: delta\npath: log", "dataset": "type: huggingface\npath: dataset",
	}
	for name, rows := range want {
		t.Run(name, func(t *testing.T) {
			spec := cmp.Or(yaml[name], fmt.Sprintf("type: %s\npath: %s", types[filepath.Ext(name)], name))
			got, rejects, err := read(t, dir, spec)
			if err != nil || rejects > 0 || len(got) != len(rows) {
				t.Fatalf("%d rows of %d, %d refused: %v", len(got), len(rows), rejects, err)
			}
			if strings.HasPrefix(spec, "type: delta") { // whose files have no order
				byID := func(a, b map[string]any) int { return cmp.Compare(a["id"].(float64), b["id"].(float64)) }
				slices.SortFunc(got, byID)
				slices.SortFunc(rows, byID)
			}
			for i := range rows {
				for column, v := range got[i] {
					if _, ok := rows[i][column]; !ok && v == nil {
						rows[i][column] = nil // a column that is newer than the version
					}
				}
				if !reflect.DeepEqual(got[i], rows[i]) {
					t.Fatalf("row %d is\n%v, not\n%v", i, got[i], rows[i])
				}
			}
		})
	}
}

// What cannot be read says which file it is and what to do.
func TestBrokenFilesOfPython(t *testing.T) {
	dir, _ := written(t)
	for yaml, want := range map[string]string{
		"type: parquet\npath: cut.parquet":                "cut off",
		"type: delta\npath: log\nversion: 2":              "cleaned up",
		"type: delta\npath: dataset":                      "no _delta_log",
		"type: parquet\npath: a.csv":                      "not a Parquet file",
		"type: jsonl\npath: snappy.parquet":               "none of the records can be read",
		"type: huggingface\npath: dataset\nsplits: [dev]": "no split",
	} {
		if _, _, err := read(t, dir, yaml); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v does not say %q", yaml, err, want)
		}
	}
}
