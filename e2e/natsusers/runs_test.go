package natsusers_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/leathq/leat/e2e/driver/procs"
	"github.com/leathq/leat/e2e/driver/programs"
	"github.com/leathq/leat/e2e/natsusers"
	"github.com/leathq/leat/e2e/scenario"
	"github.com/leathq/leat/pkg/events"
)

// A data run, published as a job, comes to its end by an ingestor and a validator that have no more than their own users. Whatever the server forbids is a permission
// that is missing.
func TestADataRunEndsUnderItsServicesUsers(t *testing.T) {
	url, log := serve(t, natsusers.Conf(users()))
	out, dir := &procs.Output{}, t.TempDir()
	t.Cleanup(func() {
		for _, line := range log.list() {
			t.Errorf("forbidden: %s", line)
		}
		if t.Failed() {
			t.Log(out.Tail(30))
		}
	})
	store := "file://" + filepath.Join(dir, "store")
	scenario.Ready(t, start(t, out, url, events.Gateway, "gateway").URL()) // which looks after the streams of jobs
	ingestor := start(t, out, url, events.Ingestor, "ingestor", "--store", store)
	validator := start(t, out, url, events.Validator, "validator", "--store", store)
	scenario.Ready(t, ingestor.URL())
	scenario.Ready(t, validator.URL())
	for name, text := range map[string]string{
		"rows.jsonl": strings.Repeat(`{"id": 1, "text": "a"}`+"\n", 2000),
		"run.yaml":   "name: rows\nsource: {type: jsonl, path: rows.jsonl}\nvalidate: {}\ndataset: rows\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, programs.Ours(t, "leat"), "data", "run", filepath.Join(dir, "run.yaml"), "--addr", ingestor.GRPC)
	c.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir()}
	if said, err := c.CombinedOutput(); err != nil || !strings.Contains(string(said), "complete after") {
		t.Errorf("leat data run: %v\n%s", err, said)
	}
}
