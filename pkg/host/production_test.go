package host_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/leathq/leat/pkg/bus"
	"github.com/leathq/leat/pkg/bus/bustest"
	"github.com/leathq/leat/pkg/host"
	"github.com/leathq/leat/pkg/sleepers"
)

// monitor is a NATS server's monitoring as far as it says when it syncs.
func monitor(t *testing.T, config string) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/jsz" {
			_, _ = io.WriteString(w, `{"server_id":"x","config":`+config+`}`)
		}
	}))
	t.Cleanup(s.Close)
	return s.URL
}

func TestProductionRefusesWhatMayLoseWhatItKeeps(t *testing.T) {
	nats := bustest.Start(t).URL()
	always, lazy := monitor(t, `{"sync_always":true}`), monitor(t, `{"sync_interval":120000000000}`)
	for name, c := range map[string]struct {
		args []string
		want []string
	}{
		"one copy":        {[]string{"--nats-monitor", always}, []string{"--nats-lease-replicas 3"}},
		"unknown syncing": {[]string{"--nats-lease-replicas", "3"}, []string{"--nats-monitor"}},
		"lazy syncing":    {[]string{"--nats-lease-replicas", "3", "--nats-monitor", always + "," + lazy}, []string{lazy, "every 2m0s", "sync_interval: always"}},
		"all at once":     {[]string{"--nats-monitor", lazy}, []string{"--nats-lease-replicas 3", "sync_interval: always"}},
		"a wrong address": {[]string{"--nats-lease-replicas", "3", "--nats-monitor", "http://127.0.0.1:1"}, []string{"is --nats-monitor right"}},
		"no such profile": {[]string{"--profile", "prod"}, []string{"production, or empty"}},
	} {
		args := append([]string{"--nats", nats, "--profile", "production"}, c.args...)
		h, err := host.Open(t.Context(), "test", args, nil, nil, host.Stderr(io.Discard))
		if err == nil {
			t.Errorf("%s: it starts", name)
			_ = h.Close()
			continue
		}
		for _, want := range c.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v\nlacks %q", name, err, want)
			}
		}
	}
}

// What a service opens shows only once it has: a stream of one copy ends the process, and says which flag is to blame.
func TestProductionEndsWithAStreamOfOneCopy(t *testing.T) {
	args := []string{"--nats", bustest.Start(t).URL(), "--profile", "production", "--nats-lease-replicas", "3", "--nats-monitor", monitor(t, `{"sync_always":true}`)}
	h, err := host.Open(t.Context(), "test", args, nil, nil, host.Stderr(io.Discard))
	if err != nil {
		t.Fatal(err)
	}
	s := &service{name: "gateway", run: func(ctx context.Context) error {
		<-ctx.Done()
		return nil
	}}
	js := h.Bus.JetStream()
	if _, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "JOBS", Subjects: []string{"jobs.>"}}); err != nil {
		t.Fatal(err)
	}
	h.Bus.Opened("JOBS", "jobs-replicas")
	if err := sleepers.New(h.Bus, bus.Config{}).Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	err = h.Run(t.Context(), s)
	for _, want := range []string{
		"stream JOBS has File storage and 1 replica(s): set --jobs-replicas 3", "stream KV_sleepers has File storage and 1 replica(s): set --nats-lease-replicas 3",
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("ended with %v\nlacks %q", err, want)
		}
	}
}
