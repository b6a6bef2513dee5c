package clients_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/leathq/leat/pkg/assets"
)

// score is a line of the direct computation; see direct/main.go.
type score struct {
	Logprobs []float64
	Greedy   []bool
}

// direct computes the log-probabilities of prompts by llama.cpp's library itself, past all of Leat.
func direct(t *testing.T, prompts [][]int) []score {
	t.Helper()
	paths, err := assets.Ensure(t.Context(), assets.Spec{}, assets.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var in, out bytes.Buffer
	for _, p := range prompts {
		if err := json.NewEncoder(&in).Encode(p); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, buildDirect(t), "-lib", paths.EngineLib, "-model", paths.Model)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = &in, &out, os.Stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("direct computation: %v", err)
	}
	scores := make([]score, 0, len(prompts))
	for dec := json.NewDecoder(&out); dec.More(); {
		var s score
		if err := dec.Decode(&s); err != nil {
			t.Fatal(err)
		}
		scores = append(scores, s)
	}
	if len(scores) != len(prompts) {
		t.Fatalf("%d scores for %d prompts", len(scores), len(prompts))
	}
	return scores
}

// buildDirect builds the direct computation and returns its path.
func buildDirect(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "direct")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, "./direct").CombinedOutput(); err != nil {
		t.Fatalf("build the direct computation: %v\n%s", err, out)
	}
	return program
}

// exactness: prompt log-probabilities through the gateway equal the direct computation's bit for bit: alone, and while
// other requests keep the engine busy.
func exactness(t *testing.T, url string) {
	var prompts [][]int
	for _, s := range []string{
		"The capital of France is Paris.", "def add(a, b):\n    return a + b\n",
		strings.Repeat("Water drives the wheel, the wheel drives the stone, the stone grinds the grain. ", 12),
		"Ein Mühlbach führt das Wasser zur Mühle. 水车 🌊", "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20",
	} {
		prompts = append(prompts, tokenize(t, url, s))
	}
	want := direct(t, prompts)
	t.Run("alone", func(t *testing.T) { compare(t, url, prompts, want) })
	t.Run("under load", func(t *testing.T) {
		stop := load(t, url, 5)
		defer stop()
		for range 3 {
			compare(t, url, prompts, want)
		}
	})
}

func tokenize(t *testing.T, url, text string) []int {
	t.Helper()
	var out struct{ Tokens []int }
	post(t, url+"/tokenize", map[string]any{"prompt": text, "add_special_tokens": false}, &out)
	return out.Tokens
}

// compare asks for each prompt's log-probabilities as lm-evaluation-harness does.
func compare(t *testing.T, url string, prompts [][]int, want []score) {
	t.Helper()
	var got struct {
		Choices []struct {
			Logprobs struct {
				Values []*float64           `json:"token_logprobs"`
				Top    []map[string]float64 `json:"top_logprobs"`
			}
		}
	}
	post(t, url+"/v1/completions", map[string]any{
		"model": model, "prompt": prompts, "temperature": 0, "max_tokens": 1, "logprobs": 1, "seed": 1234, "echo": true,
	}, &got)
	if len(got.Choices) != len(prompts) {
		t.Fatalf("%d choices for %d prompts", len(got.Choices), len(prompts))
	}
	for i, c := range got.Choices {
		lp := c.Logprobs
		if len(lp.Values) != len(prompts[i])+1 || lp.Values[0] != nil {
			t.Fatalf("prompt %d: %d values for %d tokens, want one more and a null first", i, len(lp.Values), len(prompts[i]))
		}
		for j, w := range want[i].Logprobs {
			top := -1e300
			for _, v := range lp.Top[j+1] {
				top = max(top, v)
			}
			if v := *lp.Values[j+1]; v != w || (v == top) != want[i].Greedy[j] {
				t.Errorf("prompt %d token %d: %v (likeliest: %v), directly %v (%v)", i, j+1, v, v == top, w, want[i].Greedy[j])
			}
		}
	}
}

// load keeps n clients generating until stop is called.
func load(t *testing.T, url string, n int) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var working sync.WaitGroup
	for i := range n {
		working.Go(func() {
			for k := 0; ctx.Err() == nil; k++ {
				body := fmt.Sprintf(`{"model":%q,"prompt":"Tale %d of client %d: %s","max_tokens":%d,"seed":%d}`, model, k, i, strings.Repeat("once ", k*7%60), 4+k*5%20, k)
				req, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/v1/completions", strings.NewReader(body))
				if err != nil {
					return
				}
				resp, err := http.DefaultClient.Do(req)
				if err != nil {
					continue // the end of the load cuts what runs
				}
				if resp.StatusCode != http.StatusOK {
					t.Errorf("the load got status %d", resp.StatusCode)
				}
				resp.Body.Close()
			}
		})
	}
	until(t, "the engine is busy", func() bool { return metric(t, url, "vllm:num_requests_running") >= float64(min(n, 3)) })
	return func() { cancel(); working.Wait() }
}
