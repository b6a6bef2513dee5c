package clients_test

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/leathq/leat/pkg/assets"
)

// lmEval runs lm-evaluation-harness as its users do, on tasks of our own, while other clients keep the engine busy, and
// holds what it heard against a direct computation.
func lmEval(t *testing.T, url string) {
	python, out := installed(t, "venv/bin/python"), t.TempDir()
	env := append(os.Environ(), "HF_HOME="+t.TempDir(), "HF_HUB_OFFLINE=1", "HF_DATASETS_OFFLINE=1", "TOKENIZERS_PARALLELISM=false", "PYTHONDONTWRITEBYTECODE=1")
	stop := load(t, url, 3)
	harness(t, env, python, "-m", "lm_eval", "run", "--model", "local-completions",
		"--model_args", "model="+model+",base_url="+url+"/v1/completions,num_concurrent=4,max_retries=1,tokenized_requests=True,tokenizer_backend=remote",
		"--include_path", "tasks", "--tasks", "leat_choice,leat_generate", "--batch_size", "2", "--output_path", out, "--log_samples")
	stop()
	paths, err := assets.Ensure(t.Context(), assets.Spec{}, assets.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%s", harness(t, env, python, "check.py", out, url, model, "--", buildDirect(t), "-lib", paths.EngineLib, "-model", paths.Model))
	accuracy(t, out)
}

// harness runs a command in the folder lmeval and returns its standard output.
func harness(t *testing.T, env []string, name string, args ...string) []byte {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Env, cmd.Stderr = "lmeval", env, &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s\n%s", cmd, err, out, stderr.Bytes())
	}
	return out
}

// accuracy: the model is small, not silly. It would be, were the numbers of one choice given to another.
func accuracy(t *testing.T, dir string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*", "results_*.json"))
	if err != nil || len(files) != 1 {
		t.Fatalf("results %v, %v", files, err)
	}
	data, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	var r struct {
		Results map[string]map[string]any
	}
	if err := json.Unmarshal(data, &r); err != nil {
		t.Fatal(err)
	}
	acc, ok := r.Results["leat_choice"]["acc,none"].(float64)
	if !ok || acc < 0.6 {
		t.Errorf("accuracy of leat_choice is %v, want more than guessing: %v", acc, r.Results)
	}
	t.Logf("leat_choice acc %v, leat_generate exact_match %v", acc, r.Results["leat_generate"]["exact_match,none"])
}
