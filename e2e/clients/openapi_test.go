package clients_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestOpenAPI: schemathesis holds a running gateway to /openapi.json. It finds no 5xx, no answer that the document does not
// have, and nothing that the document refuses and the gateway takes. The seed is fixed; the engine is the simulator.
func TestOpenAPI(t *testing.T) {
	p, _ := leat(t, "up", "--engine", "sim", "--nats-listen", "127.0.0.1:0", "--nats-dir", t.TempDir(),
		"--sim-step-base", "200us", "--sim-step-per-seq", "1us", "--sim-prefill-rate", "1000000", "--sim-mean-output", "8")
	until(t, "the model can be called", func() bool { return strings.Contains(get(t, p.URL()+"/v1/models"), `"sim"`) })
	calls := filepath.Join(t.TempDir(), "calls")
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, installed(t, "venv/bin/python"), "-m", "schemathesis.cli", "run", p.URL()+"/openapi.json",
		"--seed", "1", "--max-examples", "15", "--phases", "coverage,fuzzing", "--no-shrink", "--continue-on-failure",
		"--exclude-checks", "positive_data_acceptance", "--suppress-health-check", "all") // what is allowed may still ask too much of an engine
	cmd.Dir = t.TempDir() // it writes there
	hooks, err := filepath.Abs("openapi")
	if err != nil {
		t.Fatal(err)
	}
	cmd.Env = append(os.Environ(), "PYTHONDONTWRITEBYTECODE=1", "PYTHONPATH="+hooks, "SCHEMATHESIS_HOOKS=hooks", "LEAT_TEST_CALLS="+calls)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	reached(t, calls)
}

// reached holds the test itself to account: it is worth something where every operation answered well and refused.
func reached(t *testing.T, file string) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, op := range []string{
		"POST /v1/chat/completions", "POST /v1/completions", "POST /v1/responses", "POST /v1/messages", "POST /v1/messages/count_tokens",
		"POST /tokenize", "POST /detokenize",
	} {
		good, refused := strings.Count(string(data), op+" allowed 200\n"), strings.Count(string(data), op+" not 400\n")
		t.Logf("%s: %d answered, %d refused", op, good, refused)
		if good < 5 || refused < 20 {
			t.Errorf("%s: %d requests were answered and %d refused, which shows little", op, good, refused)
		}
	}
}
