package process_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/leathq/leat/services/ingestor/internal/source"
	"github.com/leathq/leat/services/ingestor/internal/source/process"
)

func counter(t *testing.T, wrong string, o process.Options) (*process.Source, source.Part) {
	t.Helper()
	t.Setenv("LEAT_TEST_SOURCE", "1")
	s, err := process.New([]string{os.Args[0], wrong}, json.RawMessage(`{"type":"counter"}`), o)
	if err != nil {
		t.Fatal(err)
	}
	return s, source.Part{ID: "all", Spec: json.RawMessage(`{"spec":{"to":12},"schema":` + schema + `}`)}
}

type result struct {
	ns      []int64
	rejects []source.Reject
	after   []source.Cursor
}

func readAll(t *testing.T, s *process.Source, p source.Part, c source.Cursor) (out result, err error) {
	t.Helper()
	st, err := s.Open(t.Context(), p, c)
	if err != nil {
		return out, err
	}
	defer func() { _ = st.Close() }()
	for {
		c, err := st.Next(t.Context())
		if err == io.EOF {
			return out, nil
		}
		if err != nil {
			if _, again := st.Next(t.Context()); !errors.Is(again, err) {
				t.Errorf("after %v, the next error is %v", err, again)
			}
			return out, err
		}
		if c.Batch != nil {
			out.ns = append(out.ns, c.Batch.Column(0).Int64s()...)
		}
		out.rejects, out.after = append(out.rejects, c.Rejects...), append(out.after, c.After)
	}
}

func TestAProgramIsPlannedAndReadFromAnyCursor(t *testing.T) {
	s, _ := counter(t, "nothing", process.Options{})
	plan, err := s.Plan(t.Context(), json.RawMessage(`{}`))
	if err != nil {
		t.Fatal(err)
	}
	if len(plan.Parts) != 1 || plan.Parts[0].Rows != rows || string(plan.Next) != `{"n":12}` || plan.Seen != 2 || plan.Schema.String() != "n: int64" {
		t.Fatalf("plan %+v", plan)
	}
	whole, err := readAll(t, s, plan.Parts[0], nil)
	if err != nil || len(whole.ns) != rows || len(whole.rejects) != 1 {
		t.Fatalf("%+v, error %v", whole, err)
	}
	if r := whole.rejects[0]; r.File != "f" || r.Line != 7 || r.Reason != "odd" || string(r.Raw) != "x" {
		t.Errorf("reject %+v", r)
	}
	for i, after := range whole.after[:2] {
		rest, err := readAll(t, s, plan.Parts[0], after)
		if err != nil || len(rest.ns) != rows-(i+1)*batch || rest.ns[0] != int64((i+1)*batch) {
			t.Errorf("from %s on: %v, error %v", after, rest.ns, err)
		}
	}
}

func TestWhatAProgramDoesWrongIsSaid(t *testing.T) {
	for wrong, c := range map[string]struct {
		code string // empty: worth another try
		says string
	}{
		"old":          {"bad_source_program", "version 0"},
		"dies":         {"", "out of paper"},
		"closes":       {"", "closed descriptor 3"},
		"hangs":        {"", "nothing from it for"},
		"garbage":      {"bad_source_program", "progress: 50%"},
		"no type":      {"bad_source_program", "type"},
		"long line":    {"bad_source_program", "longer than"},
		"prints":       {"bad_source_program", "printed on standard output"},
		"half":         {"", "ended within a batch"},
		"huge":         {"bad_source_program", "9000000000 bytes"},
		"skips":        {"bad_source_program", "batch 1 was due"},
		"other schema": {"schema_changed", `"m: int64`},
		"says why":     {"no_table", "create it"},
		"says later":   {"", "away"},
		"miscounts":    {"bad_source_program", "3 batches, 9 rows"},
		"trails":       {"bad_source_program", "no line announced"},
		"fails late":   {"", "exit status 4"},
	} {
		t.Run(wrong, func(t *testing.T) {
			s, p := counter(t, wrong, process.Options{Idle: 2 * time.Second})
			got, err := readAll(t, s, p, nil)
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Fatalf("error %v, want one with %q", err, c.says)
			}
			var e *source.Error
			if errors.As(err, &e) != (c.code != "") || e != nil && e.Code != c.code {
				t.Errorf("error %#v, want code %q", err, c.code)
			}
			if n := len(got.ns); wrong != "old" && (n < batch || n > rows || n%batch != 0) {
				t.Errorf("%d rows before the error", n)
			}
		})
	}
}

type lines struct{ to chan string }

func (l lines) Write(p []byte) (int, error) {
	l.to <- string(p)
	return len(p), nil
}

// A program's own children would hold its connections and its pipes for ever.
func TestClosingEndsTheWholeGroup(t *testing.T) {
	said := lines{make(chan string, 10)}
	s, p := counter(t, "hangs with a child", process.Options{Log: slog.New(slog.NewTextHandler(said, nil))})
	st, err := s.Open(t.Context(), p, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := st.Next(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { _, err := st.Next(ctx); ended <- err }()
	_, rest, _ := strings.Cut(<-said.to, "child ")
	pid := mustInt(json.RawMessage(strings.Trim(rest, "\"\n")))
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("a read that was cancelled ended with %v", err)
	}
	if err := st.Close(); err != nil {
		t.Error(err)
	}
	deadline := time.Now().Add(10 * time.Second)
	for alive(pid) {
		if time.Now().After(deadline) {
			t.Fatalf("the program's child %d lives on", pid)
		}
	}
}

// alive is false for what waits to be reaped.
func alive(pid int) bool {
	if syscall.Kill(pid, 0) != nil {
		return false
	}
	stat, err := os.ReadFile(filepath.Join("/proc", itoa(pid), "stat"))
	return err != nil || !strings.Contains(string(stat), ") Z ")
}

func itoa(n int) string { b, _ := json.Marshal(n); return string(b) }

func TestAMissingProgramIsNamedWithWhatToDo(t *testing.T) {
	dir := t.TempDir()
	if _, err := process.Find("kafka", dir); err == nil || !strings.Contains(err.Error(), "leat-source-kafka") || !strings.Contains(err.Error(), "make sources") {
		t.Errorf("error %v", err)
	}
	path := filepath.Join(dir, "leat-source-kafka")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	if got, err := process.Find("kafka", dir); err != nil || got != path {
		t.Errorf("found %q, error %v", got, err)
	}
}

func TestYamlNamesAProgramAndItsConfiguration(t *testing.T) {
	t.Setenv("LEAT_TEST_SOURCE", "1")
	r := source.NewRegistry()
	r.Add("program", process.Make)
	dir := t.TempDir()
	r.Otherwise(process.Programs(dir))
	if err := os.Symlink(os.Args[0], filepath.Join(dir, "leat-source-counter")); err != nil {
		t.Fatal(err)
	}
	for _, yaml := range []string{"type: program\ncommand: [" + os.Args[0] + ", nothing]\nidle: 5s", "type: counter\ntable: t"} {
		s, err := r.Make([]byte(yaml), source.Deps{Bounds: source.Bounds{Commands: true}})
		if err != nil {
			t.Fatal(err)
		}
		if p, err := s.Plan(t.Context(), nil); err != nil || len(p.Parts) != 1 {
			t.Errorf("%s: plan %+v, error %v", yaml, p, err)
		}
	}
	for yaml, says := range map[string]string{"type: program": "command", "type: program\ncommand: [x]\nidle: soon": "idle", "type: program\nidel: 1s": "idel", "type: kafak": "leat-source-kafak"} {
		if _, err := r.Make([]byte(yaml), source.Deps{Bounds: source.Bounds{Commands: true}}); err == nil || source.CodeOf(err) == "" || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: error %v does not name %s", yaml, err, says)
		}
	}
}

// A configuration that names a variable which sources must not use is refused, however deep it does, whether a command or a type names the program.
func TestAProgramIsNotGivenTheNameOfASecretThatItMustNotHave(t *testing.T) {
	r := source.NewRegistry()
	r.Add("program", process.Make)
	dir := t.TempDir()
	r.Otherwise(process.Programs(dir))
	if err := os.Symlink(os.Args[0], filepath.Join(dir, "leat-source-counter")); err != nil {
		t.Fatal(err)
	}
	d := source.Deps{Getenv: func(string) string { return "s3cret" }, Bounds: source.Bounds{Commands: true, Environment: []string{"MINE"}}}
	for _, deep := range []string{"{dsn_env: %s}", "{env: %s}", "{a: {b: [1, {c_env: %s}]}}"} {
		for _, yaml := range []string{"type: program\ncommand: [x]\nconfig: ", "type: counter\nconfig: "} {
			if _, err := r.Make([]byte(yaml+strings.Replace(deep, "%s", "SECRET", 1)), d); source.CodeOf(err) != source.Denied || !strings.Contains(err.Error(), "ingestor.environment") {
				t.Errorf("%s%s: %v", yaml, deep, err)
			}
			if _, err := r.Make([]byte(yaml+strings.Replace(deep, "%s", "MINE", 1)), d); err != nil {
				t.Errorf("%s%s, allowed: %v", yaml, deep, err)
			}
		}
	}
}
