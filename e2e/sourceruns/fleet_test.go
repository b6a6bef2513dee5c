// Package sourceruns_test carries whole runs of sources that are programs of their own, by real processes: `leat data run` asks an ingestor, which starts the
// program; rows go through a nats-server and a validator into a dataset; and the next run of the name takes what is new.
package sourceruns_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/leathq/leat/e2e/driver/procs"
	"github.com/leathq/leat/e2e/driver/programs"
	"github.com/leathq/leat/e2e/scenario"
)

// fleet is a nats-server, an ingestor and a validator, each a process of its own, around one store.
type fleet struct {
	t         *testing.T
	dir       string   // where the runs' files lie, and what they read
	store     string   // its URL
	sources   string   // directory of the source programs
	common    []string // settings of both services
	ingestor  *procs.Process
	validator *procs.Process
}

// newFleet starts one whose ingestor finds these source programs. Segments are so small that some thousand rows are many.
func newFleet(t *testing.T, sources ...string) *fleet {
	t.Helper()
	f := &fleet{t: t, dir: t.TempDir(), store: "file://" + filepath.Join(t.TempDir(), "store"), sources: programs.Sources(t, sources...)}
	f.common = []string{"--nats", procs.NATS(t), "--http", "127.0.0.1:0", "--store", f.store,
		"--data-segment-bytes", "512KiB", "--data-batch-bytes", "64KiB", "--data-max-bytes", "8MiB"}
	f.startIngestor("127.0.0.1:0")
	f.startValidator()
	scenario.Ready(t, f.ingestor.URL())
	scenario.Ready(t, f.validator.URL())
	return f
}

func (f *fleet) startIngestor(grpc string) {
	f.t.Helper()
	f.ingestor = procs.Run(f.t, procs.Log(f.t, "ingestor", 20), programs.Ours(f.t, "ingestor"), append([]string{"--sources-dir", f.sources, "--grpc", grpc}, f.common...)...)
}

func (f *fleet) startValidator() {
	f.t.Helper()
	f.validator = procs.Run(f.t, procs.Log(f.t, "validator", 20), programs.Ours(f.t, "validator"), append([]string{"--grpc", "127.0.0.1:0"}, f.common...)...)
}

// patience is how long a run may take.
const patience = time.Minute

// state is of a run what these tests look at, as `--format json` prints it.
type state struct {
	Phase   string
	Version string
	Stages  []struct {
		Counts struct {
			In uint64 `json:"rows_in,string"`
		}
		Finished struct{ Verdicts []verdict }
	}
}

type verdict struct{ Gate, Status, Reason string }

// submitted is a `leat data run` that watches its run.
type submitted struct {
	f         *fleet
	cmd       *exec.Cmd
	out, said bytes.Buffer
}

// submit begins a run that is written in a file of the fleet's directory.
func (f *fleet) submit(id, text string) *submitted {
	f.t.Helper()
	file := filepath.Join(f.dir, "run.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		f.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(f.t.Context(), patience)
	f.t.Cleanup(cancel)
	s := &submitted{f: f, cmd: exec.CommandContext(ctx, programs.Ours(f.t, "leat"), "data", "run", file, "--id", id, "--addr", f.ingestor.GRPC, "--format", "json")}
	s.cmd.Stdout, s.cmd.Stderr = &s.out, &s.said
	if err := s.cmd.Start(); err != nil {
		f.t.Fatal(err)
	}
	return s
}

// ends waits for the run's end, which must be of a phase and exit with 0, and returns its last state.
func (s *submitted) ends(phase string) (last state) {
	s.f.t.Helper()
	err := s.cmd.Wait()
	for d := json.NewDecoder(&s.out); ; {
		var next state
		bad := d.Decode(&next)
		if errors.Is(bad, io.EOF) {
			break
		}
		if bad != nil {
			s.f.t.Fatalf("leat data run: %v; its states cannot be read: %v", err, bad)
		}
		last = next
	}
	if err != nil || last.Phase != phase {
		s.f.t.Fatalf("leat data run: %v; the run is %+v, want it %s\n%s", err, last, phase, s.said.String())
	}
	return last
}

// takes is a run to its complete end, and returns the rows of the version that it made.
func takes[T any](f *fleet, id, text string) []T {
	f.t.Helper()
	return rows[T](f, f.submit(id, text).ends("complete"))
}

// findsNothing is a run that is skipped as no row is new, and says so.
func (f *fleet) findsNothing(id, text string) {
	f.t.Helper()
	last := f.submit(id, text).ends("skipped")
	if n := len(last.Stages); n != 2 || last.Stages[0].Counts.In != 0 || last.Version != "" {
		f.t.Errorf("a run for which nothing is new has read something, or made a version: %+v", last)
	}
	verdicts := last.Stages[len(last.Stages)-1].Finished.Verdicts
	if !slices.ContainsFunc(verdicts, func(v verdict) bool { return v.Gate == "new_rows" && v.Status == "skip" }) {
		f.t.Errorf("no gate says that nothing is new: %+v", verdicts)
	}
}

// leat runs a command of leat and returns what it prints.
func (f *fleet) leat(args ...string) []byte {
	f.t.Helper()
	ctx, cancel := context.WithTimeout(f.t.Context(), patience)
	defer cancel()
	c := exec.CommandContext(ctx, programs.Ours(f.t, "leat"), args...)
	var said bytes.Buffer
	c.Stderr = &said
	out, err := c.Output()
	if err != nil {
		f.t.Fatalf("leat %q: %v\n%s", args, err, said.String())
	}
	return out
}

// rows are those of the version that a run made, in their order. The runs of these tests have the names of their datasets.
func rows[T any](f *fleet, s state) (out []T) {
	f.t.Helper()
	for d := json.NewDecoder(bytes.NewReader(f.leat("data", "cat", dataset+"@"+s.Version, "--store", f.store))); d.More(); {
		var row T
		if err := d.Decode(&row); err != nil {
			f.t.Fatal(err)
		}
		out = append(out, row)
	}
	return out
}

// dataset is what the runs make.
const dataset = "things"

// same compares rows one by one.
func same[T comparable](t *testing.T, what string, got, want []T) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s: %d rows, want %d", what, len(got), len(want))
	}
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			t.Fatalf("%s: row %d is\n%+v, want\n%+v", what, i, got[i], want[i])
		}
	}
}
