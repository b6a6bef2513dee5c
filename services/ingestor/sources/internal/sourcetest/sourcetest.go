// Package sourcetest runs a source program as an ingestor does: as a process that speaks the protocol. It is for tests.
package sourcetest

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"testing"

	"github.com/leathq/leat/services/ingestor/internal/source"
	"github.com/leathq/leat/services/ingestor/internal/source/process"
)

const variable = "LEAT_TEST_SOURCE"

// Main is a TestMain: the test's own binary is the program, where Open started it.
func Main(m *testing.M, program func()) {
	if os.Getenv(variable) != "" {
		program()
	}
	os.Exit(m.Run())
}

// Open makes the source of a configuration, whose program is this test's binary.
func Open(t *testing.T, config any) source.Source {
	t.Helper()
	t.Setenv(variable, "1")
	return Command(t, config, os.Args[0])
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
