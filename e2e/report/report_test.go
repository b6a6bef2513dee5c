// Package report_test opens the pages that leat data writes in a browser, as a reader does: nothing is loaded, run or logged, axe-core finds nothing (headings, contrast, tables, names), in light and in dark,
// and nothing is wider than a phone's window. `e2e/report/install.sh` installs what it needs; SCREENSHOTS=DIR keeps pictures.
package report_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/leathq/leat/e2e/driver/programs"
)

// hostile is what somebody might put into data to get it run.
const hostile = `</style></title><script>alert(1)</script><img src=https://example.com/x onerror=alert(2)>`

// leat runs leat data and returns its exit code and what it printed.
func leat(t *testing.T, dir string, args ...string) (code int, out, errOut string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), programs.Ours(t, "leat"), append([]string{"data"}, args...)...)
	var stdout, stderr bytes.Buffer
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &stdout, &stderr
	var exit *exec.ExitError
	if err := cmd.Run(); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()
}

// orders writes orders as JSON lines; bad ones have mistakes, hostile texts and lines that are no records.
func orders(t *testing.T, path string, bad bool) {
	t.Helper()
	var b strings.Builder
	for i := range 1000 {
		state, price, note := []string{"new", "paid", "sent"}[i%3], 5+float64(i*i%977)/10, strings.Repeat("a word or two ", 1+i%9)
		if bad && i%97 == 0 {
			state, price, note = "lost", -1, hostile
		}
		fmt.Fprintf(&b, `{"id": %d, "mail": "user%d@example.com", "state": %q, "price": %g, "code": "AB-%04d", "day": "2026-%02d-%02d", "note": %q}`+"\n",
			i, i%300, state, price, i, 1+i%12, 1+i%28, note)
		if bad && i == 500 {
			b.WriteString("{" + hostile + "\n")
		}
	}
	if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestPagesInABrowser(t *testing.T) {
	dir := t.TempDir()
	orders(t, filepath.Join(dir, "orders.jsonl"), false)
	orders(t, filepath.Join(dir, "bad.jsonl"), true)
	for _, tc := range []struct {
		line string
		code int
	}{
		{"profile orders.jsonl --output suite.json", 0},
		{"profile bad.jsonl --format html --output profile.html", 0},
		{"validate orders.jsonl --suite suite.json --format html --output valid.html", 0},
		{"validate bad.jsonl --suite suite.json --format html --output invalid.html --redact none", 1},
	} {
		if code, _, said := leat(t, dir, strings.Fields(tc.line)...); code != tc.code {
			t.Fatalf("leat data %s: exit code %d, want %d: %s", tc.line, code, tc.code, said)
		}
	}
	browser := os.Getenv("CHROMIUM")
	if browser == "" {
		var err error
		if browser, err = exec.LookPath("chromium"); err != nil {
			t.Fatalf("%v: e2e/report/install.sh installs it", err)
		}
	}
	args := []string{"look.mjs", browser}
	for _, page := range []string{"profile.html", "valid.html", "invalid.html"} {
		args = append(args, filepath.Join(dir, page))
	}
	cmd := exec.CommandContext(t.Context(), "node", args...)
	cmd.Env = append(os.Environ(), "MODULES="+filepath.Join(programs.Cache(), "report", "node"))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v: is e2e/report/install.sh done?\n%s", err, out)
	}
}

func TestExitCodesOfProfile(t *testing.T) {
	dir := t.TempDir()
	orders(t, filepath.Join(dir, "orders.jsonl"), false)
	if err := os.WriteFile(filepath.Join(dir, "empty.csv"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		line string
		code int
		says string
	}{
		{"profile orders.jsonl", 0, `"name": "orders"`},
		{"profile orders.jsonl --name mine", 0, `"name": "mine"`},
		{"profile . --type jsonl --format text", 0, "1,000 rows, 7 columns"},
		{"profile orders.jsonl --format json", 0, `"strftime": "%Y-%m-%d"`},
		{"profile", 2, "which files"},
		{"profile gone.jsonl", 2, "gone.jsonl"},
		{"profile empty.csv", 2, "empty.csv"},
		{"profile orders.jsonl --format yaml", 2, "html"},
		{"profile orders.jsonl --redact some", 2, "pii"},
		{"profile orders.jsonl --colour red", 2, "colour"},
		{"profile orders.jsonl --output gone/suite.json", 2, "gone"},
	} {
		code, out, errOut := leat(t, dir, strings.Fields(tc.line)...)
		if code != tc.code || !strings.Contains(out+errOut, tc.says) {
			t.Errorf("leat data %s: exit code %d, want %d and %q:\n%.300s%s", tc.line, code, tc.code, tc.says, out, errOut)
		}
	}
}

// A reader that went away is no success.
func TestAClosedStandardOutput(t *testing.T) {
	dir := t.TempDir()
	orders(t, filepath.Join(dir, "orders.jsonl"), false)
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	_ = read.Close()
	cmd := exec.CommandContext(t.Context(), programs.Ours(t, "leat"), "data", "profile", "orders.jsonl", "--format", "html")
	cmd.Dir, cmd.Stdout = dir, write
	if err := cmd.Run(); err == nil {
		t.Error("leat data profile ended well though nobody could read its page")
	}
	_ = write.Close()
}
