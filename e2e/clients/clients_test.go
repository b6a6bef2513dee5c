package clients_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestClients runs every client against two servers that they share: one with room, and one with a single slot and a
// single place in its queue.
func TestClients(t *testing.T) {
	config := filepath.Join(t.TempDir(), "busy.yaml")
	if err := os.WriteFile(config, []byte("pools: {default: {queue_limit: 1}}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	spans := filepath.Join(t.TempDir(), "spans.json")
	room, said := up(t, "--slots", "8", "--log-level", "debug", "--trace-file", spans)
	busy, _ := up(t, "--slots", "1", "--config", config)
	env := []string{"LEAT_TEST_URL=" + room, "LEAT_TEST_BUSY_URL=" + busy}
	t.Run("python", func(t *testing.T) {
		command(t, env, "python", installed(t, "venv/bin/python"), "-m", "unittest", "-v", "test_sdk.py", "test_anthropic.py", "test_responses.py", "test_batches.py")
	})
	t.Run("node", func(t *testing.T) {
		command(t, append(env, "NODE_PATH="+installed(t, "node/node_modules")), "node", "node", "--test", "sdk.test.cjs", "anthropic.test.cjs", "responses.test.cjs")
	})
	t.Run("go", func(t *testing.T) { goSDK(t, room, busy) })
	t.Run("structured", func(t *testing.T) { structured(t, room) })
	t.Run("exactness", func(t *testing.T) { exactness(t, room) })
	t.Run("lm-eval", func(t *testing.T) { lmEval(t, room) })
	t.Run("nothing leaked", func(t *testing.T) { leaks(t, said.String(), spans, get(t, room+"/metrics")) })
}

// leaks looks for what the clients said, and for what the model answers, in all that an operator sees at debug level.
func leaks(t *testing.T, log, spans, metrics string) {
	trace, err := os.ReadFile(spans)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(log, `"level":"DEBUG"`) || len(trace) < 1000 || len(metrics) < 1000 {
		t.Fatalf("%d bytes of log, %d of traces, %d of metrics: too little to search", len(log), len(trace), len(metrics))
	}
	for _, words := range []string{
		"rivers", "capital of France", "Once upon", "What do bees", "Water drives", "Mühlbach", "Tale 0", "Paris", "Thursday", "word word", "wort wort", "mot mot",
		"find_river", "room in Rome", "celsius", "Describe a person",
	} {
		for where, text := range map[string]string{"the log": log, "the trace file": string(trace), "the metrics": metrics} {
			if i := strings.Index(text, words); i >= 0 {
				t.Errorf("%q is in %s: …%s…", words, where, text[max(0, i-300):min(len(text), i+300)])
			}
		}
	}
}

// command runs a client's own test program and shows its output where it fails.
func command(t *testing.T, env []string, dir string, name string, args ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Env = dir, append(append(os.Environ(), "PYTHONDONTWRITEBYTECODE=1"), env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", cmd, err, out)
	}
	if n := strings.Count(string(out), " ... ok") + strings.Count(string(out), "\nok "); n < 5 {
		t.Fatalf("%s ran only %d tests:\n%s", cmd, n, out)
	}
}
