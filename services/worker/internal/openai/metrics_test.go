package openai_test

import (
	"math"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/leathq/leat/services/worker/internal/engine"
)

// The pages are written after the servers' documentation: their names, labels and neighbours.
func TestEachServersMetricsBecomeStats(t *testing.T) {
	for name, want := range map[string]engine.Stats{
		"vllm": {Running: 5, Waiting: 4, KVUse: 0.375}, "vllm-old": {Running: 3, Waiting: 1, KVUse: 0.75},
		"sglang": {Running: 7, Waiting: 2, KVUse: 0.28}, "tgi": {Running: 6, Waiting: 5, KVUse: 0.25},
		"trtllm": {Running: 8, Waiting: 1, KVUse: 0.33}, "llama-server": {Running: 2, Waiting: 3},
	} {
		t.Run(name, func(t *testing.T) {
			text, err := os.ReadFile(filepath.Join("testdata", "metrics", name+".txt"))
			if err != nil {
				t.Fatal(err)
			}
			s := newServer(t)
			s.handle("/metrics", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(text) })
			cfg := config(s.URL)
			cfg.MetricsInterval = 20 * time.Millisecond
			e := healthy(t, cfg)
			eventually(t, "the server's numbers", func() bool {
				got := e.Stats()
				return got.Running == want.Running && got.Waiting == want.Waiting && math.Abs(got.KVUse-want.KVUse) < 1e-9
			})
		})
	}
}
