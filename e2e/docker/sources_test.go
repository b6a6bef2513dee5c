package docker_test

import (
	"database/sql"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	_ "modernc.org/sqlite" // "sqlite"

	"github.com/leathq/leat/e2e/driver/procs"
	"github.com/leathq/leat/e2e/driver/programs"
	"github.com/leathq/leat/e2e/scenario"
)

// The image that the chart starts reads a source that is a program of its own: rows of a table, by a run that somebody outside asks for.
func TestARunReadsByASourceProgramOfTheImage(t *testing.T) {
	programs.Source(t, "sql")
	i, out, dir := build(t, "service", "leat"), &procs.Output{}, t.TempDir()
	db, err := sql.Open("sqlite", filepath.Join(dir, "orders.db"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.ExecContext(t.Context(), "CREATE TABLE orders (id INTEGER PRIMARY KEY, state TEXT); INSERT INTO orders VALUES (1, 'sent'), (2, 'paid'), (3, 'new')"); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	open(t, dir)
	const inside = "/var/cache/leat/models/orders.db" // what inside.sh mounts
	run := filepath.Join(dir, "orders.yaml")
	if err := os.WriteFile(run, []byte("source: {type: sql, driver: sqlite, file: "+inside+", table: orders, key: id}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	name, args := i.command(dir, "up", "--without", "gateway,router,worker,validator", "--http", "127.0.0.1:0", "--grpc", "127.0.0.1:0",
		"--nats-listen", "", "--nats-dir", "/tmp/nats", "--store", "file:///tmp/store", "--log-format", "json")
	p := procs.Run(t, out, name, args...)
	scenario.Ready(t, p.URL())
	said, err := exec.CommandContext(t.Context(), programs.Ours(t, "leat"), "data", "run", run, "--addr", p.GRPC).CombinedOutput()
	if err != nil || !strings.Contains(string(said), "3 in, 3 valid") {
		t.Errorf("the run ended with %v and says\n%s\n%s", err, said, out.Tail(10))
	}
}

// What the Dockerfile puts into images, and `make sources` beside leat, is every source program that there is.
func TestNoSourceProgramIsLeftOut(t *testing.T) {
	const module = "../../services/ingestor/sources"
	var want []string
	mains, err := filepath.Glob(module + "/*/*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range mains {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if name := filepath.Base(filepath.Dir(file)); regexp.MustCompile(`(?m)^func main\(\)`).Match(text) && strings.Contains(string(text), `"leat-source-`+name+`"`) {
			want = append(want, name)
		}
	}
	if len(want) < 4 {
		t.Fatalf("found only the source programs %v in %s", want, module)
	}
	for file, list := range map[string]string{filepath.Join(deploy, "Dockerfile"): `ARG SOURCES="(.*)"`, "../../Makefile": `for s in ([a-z ]+); do echo "build leat-source`} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		m := regexp.MustCompile(list).FindSubmatch(text)
		if m == nil || !slices.Equal(strings.Fields(string(m[1])), want) {
			t.Errorf("%s builds %q, want %v", file, m, want)
		}
	}
}
