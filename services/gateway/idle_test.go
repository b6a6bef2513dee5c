package gateway

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/leathq/leat/pkg/bus"
	"github.com/leathq/leat/pkg/bus/bustest"
	"github.com/leathq/leat/pkg/errs"
	"github.com/leathq/leat/pkg/host"
	"github.com/leathq/leat/pkg/pool"
	inferv1 "github.com/leathq/leat/proto/gen/leat/infer/v1"
)

// A gateway that has had no request for long is as exact as a busy one, and it does not look for what is not there.
func TestAGatewayThatRestsKeepsItsTimes(t *testing.T) {
	bustest.Bubble(t, func(t *testing.T) {
		g := New(DefaultConfig(), host.Deps{
			ID: "gw", Log: slog.New(slog.DiscardHandler), Metrics: prometheus.NewRegistry(),
			Bus: bustest.Connect(t, bustest.StartInProcess(t), bus.Options{}),
		})
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- g.Run(ctx) }()
		for n := range 5 {
			time.Sleep(10*time.Second + time.Duration(n)*17*time.Millisecond)
			if !g.pace.Resting() {
				t.Error("it looks at sequences that are not there")
			}
			const connect = 120 * time.Millisecond
			if took := unserved(t, g, connect); took < connect || took > connect+sweepEvery+time.Millisecond {
				t.Errorf("refused after %v, the connect time-out is %v", took, connect)
			}
		}
		time.Sleep(time.Second) // it has stopped asking for a router
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// unserved calls a model for which there is no router, and returns how long it took to say so.
func unserved(t *testing.T, g *Gateway, connect time.Duration) time.Duration {
	t.Helper()
	now := g.link.now()
	g.directory.report(&inferv1.Report{
		Worker: "w", Pool: "p", State: inferv1.WorkerState_WORKER_STATE_READY, DescriptionDigest: "d",
	}, now)
	g.directory.describe(&inferv1.Description{Pool: "p", Digest: "d", Models: []*inferv1.Model{{Name: "m"}}}, now)
	begin := time.Now()
	a, err := g.generate(t.Context(), &call{
		id: "r", model: "m", tenant: "t", prompts: []prompt{{text: "hello"}}, n: 1, began: begin,
		template: &inferv1.Request{Sampling: &inferv1.Sampling{}}, waits: pool.Timeouts{Connect: connect},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	if _, err := a.Next(t.Context()); errs.As(err).Code != "no_router" {
		t.Fatalf("error %v", err)
	}
	return time.Since(begin)
}
