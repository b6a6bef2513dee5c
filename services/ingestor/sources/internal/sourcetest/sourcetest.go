// Package sourcetest runs a source program as an ingestor does: as a process that speaks the protocol. It is for tests.
package sourcetest

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/leathq/leat/services/ingestor/internal/source"
	"github.com/leathq/leat/services/ingestor/internal/source/process"
)

const variable = "LEAT_TEST_SOURCE"

// Main is a TestMain: the test's own binary is the program, where Open started it. after runs when all tests have.
func Main(m *testing.M, program func(), after ...func()) {
	if os.Getenv(variable) != "" {
		program()
	}
	code := m.Run()
	for _, f := range after {
		f()
	}
	os.Exit(code)
}

// Open makes the source of a configuration, whose program is this test's binary.
func Open(t *testing.T, config any) source.Source {
	t.Helper()
	t.Setenv(variable, "1")
	return Command(t, config, os.Args[0])
}

// Python is the interpreter that install.sh made, which has what Python's libraries write files and tables with.
func Python(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("LEAT_CACHE")
	if dir == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			t.Fatal(err)
		}
		dir = filepath.Join(cache, "leat")
	}
	path := filepath.Join(dir, "source-programs", "venv", "bin", "python")
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("run services/ingestor/sources/install.sh first: %v", err)
	}
	return path
}

// Command makes the source of a configuration and a program.
func Command(t *testing.T, config any, command ...string) source.Source {
	t.Helper()
	raw, err := json.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	s, err := process.New(command, raw, process.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Result is what was read.
type Result struct {
	Rows    []map[string]any
	Rejects []source.Reject
	After   []source.Cursor // of each chunk
	Ends    []int           // how many rows there were after each chunk
}

// Plan plans, and ends the test where that fails.
func Plan(t *testing.T, s source.Source, since source.Watermark) *source.Plan {
	t.Helper()
	p, err := s.Plan(t.Context(), since)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// All plans, and reads every partition.
func All(t *testing.T, s source.Source, since source.Watermark) (out Result, p *source.Plan) {
	t.Helper()
	p = Plan(t, s, since)
	for _, part := range p.Parts {
		r, err := Read(t, s, part, nil)
		if err != nil {
			t.Fatal(err)
		}
		out.Rows, out.Rejects = append(out.Rows, r.Rows...), append(out.Rejects, r.Rejects...)
	}
	return out, p
}

// Read reads a partition from a cursor on.
func Read(t *testing.T, s source.Source, p source.Part, c source.Cursor) (out Result, err error) {
	t.Helper()
	st, err := s.Open(t.Context(), p, c)
	if err != nil {
		return out, err
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	for {
		c, err := st.Next(t.Context())
		if err == io.EOF {
			return out, nil
		}
		if err != nil {
			return out, err
		}
		if c.Batch != nil {
			for i := range c.Batch.Rows() {
				row := map[string]any{}
				for j, f := range c.Batch.Schema().Fields {
					row[f.Name] = c.Batch.Column(j).Value(i)
				}
				out.Rows = append(out.Rows, row)
			}
		}
		out.Rejects, out.After, out.Ends = append(out.Rejects, c.Rejects...), append(out.After, c.After), append(out.Ends, len(out.Rows))
	}
}
