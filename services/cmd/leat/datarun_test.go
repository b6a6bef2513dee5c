package main_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// folder is a place with a run over two files, and suites that hold and do not.
func folder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	suite := func(column string) string {
		return fmt.Sprintf(`{"name": "s", "expectations": [{"type": "expect_column_values_to_not_be_null", "kwargs": {"column": %q}}], "meta": {}}`, column)
	}
	var rows strings.Builder
	for i := range 1500 {
		switch i {
		case 70:
			rows.WriteString("{oops\n")
		default:
			fmt.Fprintf(&rows, "{\"id\": %d, \"note\": %s}\n", i, []string{"null", `"n"`}[i%2])
		}
	}
	run := func(suite string) string {
		return "name: docs\nsource:\n  type: jsonl\n  path: ${DOCS_RAW:-raw}\nvalidate:\n  suite: " + suite + "\ndataset: docs\n"
	}
	for name, text := range map[string]string{
		"raw/a.jsonl": rows.String(), "good.json": suite("id"), "bad.json": suite("note"), "good.yaml": run("good.json"), "bad.yaml": run("bad.json"),
		"key.yaml": "name: docs\nsauce: {}\n", "type.yaml": "source: {type: jsonk, path: raw}\n", "gone.yaml": "source: {type: jsonl, path: nothing}\n",
		"gate.yaml":   "source: {type: jsonl, path: raw}\nvalidate: {suite: good.json, gates: {min_rows: 5}}\n",
		"secret.yaml": "source: {type: jsonl, path: raw, password: '${HOME}'}\n",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// A run's exit code says how it ended, and its last lines where its dataset and report are; the commands that they name work.
func TestARunFromItsFileToItsReport(t *testing.T) {
	store, dir := "--store=file://"+filepath.Join(t.TempDir(), "store"), folder(t)
	p := up(t, store)
	data := func(want int, words ...string) (out, said string) {
		t.Helper()
		code, out, said := run(t, "", append([]string{"data"}, words...)...)
		if code != want {
			t.Fatalf("%q ended with %d, want %d:\n%s\n%s", words, code, want, out, said)
		}
		return out, said
	}
	addr := "--addr=" + p.grpc
	out, said := data(0, "run", filepath.Join(dir, "good.yaml"), addr)
	if !strings.Contains(out, "1,500 in, 1,499 valid, 1 refused") || !strings.Contains(said, filepath.Join(dir, "raw")+", which the ingestor reads") {
		t.Errorf("it says\n%s\n%s", out, said)
	}
	for _, m := range regexp.MustCompile(`leat data ((?:show|report) docs@\w+)`).FindAllStringSubmatch(out, -1) {
		if got, _ := data(0, append(strings.Fields(m[1]), store)...); !strings.Contains(got, "expect_column_values_to_not_be_null") && !strings.Contains(got, "1,499") {
			t.Errorf("leat data %s prints\n%s", m[1], got)
		}
	}
	id := regexp.MustCompile(`docs-\d+-\d+-\w+`).FindString(out)
	if got, _ := data(0, "status", id, addr); !strings.Contains(got, "ingest") || !strings.Contains(got, "complete") {
		t.Errorf("its status is\n%s", got)
	}
	var state struct {
		Phase  string
		Counts struct {
			Valid string
		}
	}
	if got, _ := data(0, "status", id, addr, "--format=json"); json.Unmarshal([]byte(got), &state) != nil || state.Phase != "complete" || state.Counts.Valid != "1499" {
		t.Errorf("its status in JSON is %s", got)
	}
	if out, _ = data(0, "run", filepath.Join(dir, "good.yaml"), addr); !strings.Contains(out, "skipped") || !strings.Contains(out, "--full") {
		t.Errorf("the second run says\n%s", out)
	}
	if out, said = data(1, "run", filepath.Join(dir, "bad.yaml"), "--full", addr); !strings.Contains(said, "do not hold") || !strings.Contains(out, "leat data report") {
		t.Errorf("the run with a suite that does not hold says\n%s\n%s", out, said)
	}
	if out, _ = data(0, "runs", addr, "--limit=2"); strings.Count(out, "docs-") != 2 || !strings.Contains(out, "invalid") {
		t.Errorf("the list is\n%s", out)
	}
}

// What cannot be done ends with 2 and a sentence that says what to do.
func TestRunsThatCannotBe(t *testing.T) {
	dir, p := folder(t), up(t, "--store=file://"+filepath.Join(t.TempDir(), "store"))
	file := func(name string) string { return filepath.Join(dir, name) }
	for _, c := range []struct {
		says  string
		words []string
	}{
		{`key.yaml:2: a run has no key "sauce"; do you mean "source"?`, []string{"run", file("key.yaml")}},
		{`do you mean "jsonl"?`, []string{"run", file("type.yaml")}},
		{`nothing`, []string{"run", file("gone.yaml")}},
		{`fails [{"expectation":0`, []string{"run", file("bad.yaml"), "--fail-fast", "--id=fast"}},
		{`max_quarantine`, []string{"run", file("bad.yaml"), "--max-quarantine=200%"}},
		{`unknown field "min_rows"`, []string{"run", file("gate.yaml")}},
		{`password_env`, []string{"run", file("secret.yaml")}},
		{`do you mean "limits"?`, []string{"run", file("good.yaml"), "--set", "limit.max_bad=1"}},
		{`since`, []string{"run", file("good.yaml"), "--since", "yesterday"}},
		{`no such file`, []string{"run", file("none.yaml")}},
		{`there is no run "nope"`, []string{"status", "nope"}},
		{`there is no run "nope"`, []string{"watch", "nope"}},
		{`there is no run "nope"`, []string{"cancel", "nope"}},
		{`there is no run "nope"`, []string{"resume", "nope"}},
		{`needs FILE.yaml`, []string{"run"}},
		{`not expected`, []string{"watch", "a", "b"}},
		{`unknown flag`, []string{"run", file("good.yaml"), "--watchh"}},
	} {
		code, out, said := run(t, "", append([]string{"data"}, append(c.words, "--addr="+p.grpc)...)...)
		if code != 2 || !strings.Contains(out+said, c.says) {
			t.Errorf("%q ended with %d and says %s%s, want 2 and %s", c.words, code, out, said, c.says)
		}
	}
	gone, web := closedPort(t), strings.TrimPrefix(p.url, "http://")
	for addr, says := range map[string]string{
		gone:                 "no ingestor answers at " + gone + ": dial tcp " + gone + ": connect: connection refused (start one with `leat up`",
		web:                  "what answers at " + web + " speaks HTTP and no gRPC: name an ingestor with --addr",
		"http://" + web:      "it is HOST:PORT of gRPC, such as 127.0.0.1:8081",
		"nowhere.invalid:81": "no ingestor answers at nowhere.invalid:81: ",
	} {
		if code, _, said := run(t, "", "data", "status", "--addr="+addr); code != 2 || !strings.Contains(said, says) {
			t.Errorf("where no ingestor is, it ended with %d and says %s, want %s", code, said, says)
		}
	}
	if code, _, said := run(t, "", "data", "statsu"); code != 2 || !strings.Contains(said, `do you mean "status"?`) {
		t.Errorf("a mistyped command ended with %d and says %s", code, said)
	}
}

// Ctrl-C while a run is watched leaves the run going; it can be cancelled then, and resumed.
func TestCtrlCLeavesARunGoing(t *testing.T) {
	dir, p := folder(t), up(t, "--without=validator", "--store=file://"+filepath.Join(t.TempDir(), "store")) // so that the run waits for its checks
	addr := "--addr=" + p.grpc
	c := leat(t.Context(), t, "data", "run", filepath.Join(dir, "good.yaml"), "--id=r1", addr)
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it is under way", func() bool { return strings.Contains(c.err.String(), "running") })
	if err := c.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if code := c.code(t); code != 2 || !strings.Contains(c.err.String(), "run r1 goes on") || !strings.Contains(c.err.String(), "leat data cancel r1") {
		t.Errorf("it ended with %d and says %s", code, c.err.String())
	}
	for _, step := range []struct {
		says  string
		code  int
		words []string
	}{
		{"running", 0, []string{"status", "r1"}},
		{"cancelled", 0, []string{"cancel", "r1", "--reason=enough"}},
		{"leat data resume r1", 2, []string{"watch", "r1"}},
		{"ended already", 2, []string{"cancel", "r1"}},
		{"try 2", 0, []string{"resume", "r1", "--detach"}},
		{"running", 0, []string{"status", "r1"}},
	} {
		code, out, said := run(t, "", append([]string{"data"}, append(step.words, addr)...)...)
		if code != step.code || !strings.Contains(out+said, step.says) {
			t.Errorf("%q ended with %d and says %s%s, want %d and %s", step.words, code, out, said, step.code, step.says)
		}
	}
}

// Ctrl-C while files are held against a suite ends with 2 and says so; a record of standard input that is no row is told by the name that the user gave.
func TestValidateStopsAndNamesStandardInput(t *testing.T) {
	dir := folder(t)
	code, _, said := run(t, "{\"id\": 1}\n{oops\n", "data", "validate", "-", "--type=jsonl", "--suite", filepath.Join(dir, "good.json"))
	if code != 1 || !strings.Contains(said, "\n  -:2: not JSON") {
		t.Errorf("it ended with %d and says %s", code, said)
	}
	var rows strings.Builder
	for i := range 400000 {
		fmt.Fprintf(&rows, "{\"id\": %d}\n", i)
	}
	big := filepath.Join(dir, "big.jsonl")
	if err := os.WriteFile(big, []byte(strings.Repeat(rows.String(), 20)), 0o600); err != nil {
		t.Fatal(err)
	}
	c := leat(t.Context(), t, "data", "validate", big, "--suite", filepath.Join(dir, "good.json"))
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it reads", func() bool { return opened(c.Process.Pid, big) })
	if err := c.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if code := c.code(t); code != 2 || !strings.Contains(c.err.String(), "stopped before it was done (signal: interrupt)") {
		t.Errorf("it ended with %d and says %s", code, c.err.String())
	}
}

// opened says whether a process has a file open.
func opened(pid int, file string) bool {
	links, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
	for _, l := range links {
		if to, err := os.Readlink(l); err == nil && to == file {
			return true
		}
	}
	return false
}
