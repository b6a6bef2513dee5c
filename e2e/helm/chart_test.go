package helm_test

import (
	"bytes"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/leathq/leat/e2e/driver/programs"
)

var update = flag.Bool("update", false, "write the golden files anew")

const chart = "../../deploy/helm/leat"

// sets are the value files that come with the chart.
var sets = []string{"laptop", "small", "production"}

// run runs helm on the chart and returns what it printed.
func run(t *testing.T, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), programs.Tool(t, "helm.sh/helm/v3/cmd/helm", "v3.19.2"), args...)
	dir := t.TempDir()
	cmd.Env = append(os.Environ(), "HELM_CACHE_HOME="+dir, "HELM_CONFIG_HOME="+dir, "HELM_DATA_HOME="+dir)
	var out, diag bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &diag
	err = cmd.Run()
	return out.String(), diag.String(), err
}

// template renders the chart for the release "leat" in the namespace "llm".
func template(t *testing.T, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	return run(t, append([]string{"template", "leat", chart, "--namespace", "llm", "--kube-version", "1.34.0"}, args...)...)
}

// set renders the chart with one of its value files.
func set(t *testing.T, name string) string {
	t.Helper()
	out, diag, err := template(t, "--values", filepath.Join(chart, "values", name+".yaml"))
	if err != nil {
		t.Fatalf("%v\n%s", err, diag)
	}
	return out
}

func TestLint(t *testing.T) {
	for _, name := range sets {
		if out, diag, err := run(t, "lint", "--strict", chart, "--values", filepath.Join(chart, "values", name+".yaml")); err != nil {
			t.Errorf("%s: %v\n%s%s", name, err, out, diag)
		}
	}
}

func TestGolden(t *testing.T) {
	for _, name := range sets {
		file := filepath.Join("testdata", name+".golden.yaml")
		got := set(t, name)
		if *update {
			if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
				t.Fatal(err)
			}
			continue
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if got != string(want) {
			t.Errorf("%s: the render differs at %s; look at it, then go test ./e2e/helm -update", file, firstDifference(string(want), got))
		}
	}
}

func firstDifference(want, got string) string {
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range min(len(w), len(g)) {
		if w[i] != g[i] {
			return "want " + w[i] + ", got " + g[i]
		}
	}
	return "its end"
}

func TestWrongValuesAreRefused(t *testing.T) {
	const pool = "workers[0].name=p,workers[0].model=m,workers[0].engine="
	vllm := pool + "openai,workers[0].server.kind=vllm,workers[0].server.image=i,"
	for name, c := range map[string]struct{ values, why string }{
		"unknown key":               {"gatway.replicas=2", "gatway"},
		"unknown key of a pool":     {pool + "sim,workers[0].replica=2", "replica"},
		"unknown engine":            {pool + "vllm", "engine"},
		"a pool's name":             {pool + "sim,workers[0].name=Big_One", "does not match pattern"},
		"text for a number":         {"router.replicas=two", "replicas"},
		"no upstream and no server": {pool + "openai", "upstream"},
		"an upstream and a server":  {vllm + "workers[0].upstream=http://x", "oneOf"},
		"a server for llama":        {pool + "llama,workers[0].server.kind=vllm,workers[0].server.image=i", "workers/0"},
		"leases":                    {"nats.leaseReplicas=2", "leaseReplicas"},
		"two pools of one name":     {pool + "sim,workers[1].name=p,workers[1].engine=sim", "two pools are called p"},
		"parallel without a server": {pool + "llama,workers[0].tensorParallel=2,workers[0].gpu.count=2", "needs a server"},
		"parallel beyond the GPUs":  {vllm + "workers[0].tensorParallel=4,workers[0].gpu.count=2", "gpu.count is 2"},
		"bounds the wrong way":      {pool + "sim,workers[0].autoscaling.minReplicas=9", "above maxReplicas"},
		"a claim of a StatefulSet":  {pool + "sim,workers[0].kind=StatefulSet,workers[0].cache.existingClaim=c", "existingClaim"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, diag, err := template(t, "--set", c.values); err == nil || !strings.Contains(diag, c.why) {
				t.Errorf("%v; no %q in\n%s", err, c.why, diag)
			}
		})
	}
}
