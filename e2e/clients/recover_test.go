package clients_test

import (
	"bufio"
	"context"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/openai/openai-go/v3/option"

	"github.com/leathq/leat/e2e/driver/procs"
	"github.com/leathq/leat/e2e/scenario"
)

// TestRetriesOutliveNoWorker: while no worker is there, every SDK gets a 503, tries again by itself, and has its answer
// once a worker with the real model has joined.
func TestRetriesOutliveNoWorker(t *testing.T) {
	nats := procs.NATS(t)
	p, _ := leat(t, "up", "--without", "worker", "--nats", nats)
	scenario.Ready(t, p.URL())
	refused, ended := make(chan string, 3), make(chan error, 3)
	env := append(os.Environ(), "LEAT_TEST_URL="+p.URL(), "NODE_PATH="+installed(t, "node/node_modules"))
	for dir, args := range map[string][]string{
		"python": {installed(t, "venv/bin/python"), "recover.py"},
		"node":   {"node", "recover.cjs"},
	} {
		cmd := exec.CommandContext(t.Context(), args[0], args[1:]...)
		cmd.Dir, cmd.Env, cmd.Stderr = dir, append(env, "PYTHONDONTWRITEBYTECODE=1"), os.Stderr
		go watch(cmd, refused, ended)
	}
	go goRecovers(t.Context(), p.URL(), refused, ended)
	for range 3 {
		if first := <-refused; first != "503" {
			t.Errorf("the first answer has status %s, want 503", first)
		}
	}
	leat(t, "worker", "--nats", nats)
	for range 3 {
		if err := <-ended; err != nil {
			t.Errorf("an SDK did not recover: %v", err)
		}
	}
}

// watch runs a client that prints the status of every answer, and passes the first one on.
func watch(cmd *exec.Cmd, refused chan<- string, ended chan<- error) {
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		refused <- err.Error()
		ended <- err
		return
	}
	lines := bufio.NewScanner(out)
	first := filepath.Base(cmd.Path) + " said nothing"
	if lines.Scan() {
		first = strings.TrimSpace(lines.Text())
	}
	refused <- first
	for lines.Scan() {
	}
	ended <- cmd.Wait()
}

func goRecovers(ctx context.Context, url string, refused chan<- string, ended chan<- error) {
	saw := &answers{}
	saw.first = func() {
		status := "200"
		if saw.seen[0].status == http.StatusServiceUnavailable {
			status = "503"
		}
		refused <- status
	}
	c := sdk(url, option.WithMaxRetries(9), option.WithHTTPClient(&http.Client{Transport: saw}))
	_, err := c.Completions.New(ctx, text("The mill", 2))
	ended <- err
}
