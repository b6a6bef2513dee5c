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
	room := up(t, "--slots", "8")
	busy := up(t, "--slots", "1", "--config", config)
	env := []string{"LEAT_TEST_URL=" + room, "LEAT_TEST_BUSY_URL=" + busy}
	t.Run("python", func(t *testing.T) {
		command(t, env, "python", installed(t, "venv/bin/python"), "-m", "unittest", "-v", "test_sdk.py")
	})
	t.Run("node", func(t *testing.T) {
		command(t, append(env, "NODE_PATH="+installed(t, "node/node_modules")), "node", "node", "--test", "sdk.test.cjs")
	})
	t.Run("go", func(t *testing.T) { goSDK(t, room, busy) })
	t.Run("exactness", func(t *testing.T) { exactness(t, room) })
	t.Run("lm-eval", func(t *testing.T) { lmEval(t, room) })
}

// command runs a client's own test program and shows its output where it fails.
func command(t *testing.T, env []string, dir string, name string, args ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", cmd, err, out)
	}
	if n := strings.Count(string(out), " ... ok") + strings.Count(string(out), "\nok "); n < 5 {
		t.Fatalf("%s ran only %d tests:\n%s", cmd, n, out)
	}
}
