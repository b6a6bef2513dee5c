package all_test

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/leathq/leat/pkg/pool"
)

// observed is how many observations a histogram has, or the sum of a counter.
func observed(t *testing.T, r *prometheus.Registry, name string) (n float64) {
	t.Helper()
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == name {
				n += float64(m.GetHistogram().GetSampleCount()) + m.GetCounter().GetValue()
			}
		}
	}
	return n
}

// A request that the engine refuses has no first token, in the metrics and in its headers.
func TestARefusalHasNoFirstToken(t *testing.T) {
	f := start(t, pool.Timeouts{})
	body := fmt.Sprintf(`{"model":"sim","prompt":%q}`, strings.Repeat("a ", 100_000))
	resp, err := http.Post(f.url+"/v1/completions", "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	answer, _ := io.ReadAll(resp.Body)
	resp.Body.Close()
	if resp.StatusCode != 400 || !strings.Contains(string(answer), "context_length_exceeded") {
		t.Fatalf("%s %.200s", resp.Status, answer)
	}
	if ttft := resp.Header.Get("X-Leat-Ttft-Ms"); ttft != "" {
		t.Errorf("a refusal has a time to first token: %s ms", ttft)
	}
	if n := observed(t, f.gateway, "llm_time_to_first_token_seconds"); n != 0 {
		t.Errorf("%v first tokens were observed", n)
	}
}

// What a client got before it left was generated, and is counted.
func TestTokensOfACancelledStreamAreCounted(t *testing.T) {
	f := start(t, pool.Timeouts{})
	body := `{"model":"sim","stream":true,"ignore_eos":true,"max_tokens":5000,"prompt":"x"}`
	resp, err := http.Post(f.url+"/v1/completions", "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(resp.Body)
	for events := 0; events < 10 && lines.Scan(); {
		if strings.HasPrefix(lines.Text(), "data: ") {
			events++
		}
	}
	resp.Body.Close()
	n := 0.0
	for end := time.Now().Add(5 * time.Second); n == 0 && time.Now().Before(end); {
		n = observed(t, f.gateway, "llm_tokens_generated_total")
	}
	if n < 9 || n > 5000 {
		t.Errorf("%v tokens are booked of a stream that had at least 9", n)
	}
}
