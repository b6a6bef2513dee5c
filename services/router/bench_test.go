package router_test

import (
	"fmt"
	"log/slog"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/protobuf/proto"

	"github.com/leathq/leat/pkg/bus"
	"github.com/leathq/leat/pkg/bus/bustest"
	"github.com/leathq/leat/pkg/events"
	"github.com/leathq/leat/pkg/host"
	inferv1 "github.com/leathq/leat/proto/gen/leat/infer/v1"
	"github.com/leathq/leat/services/router"
)

// BenchmarkRequest is a request's way through a router on a real bus: submission, dispatch and outcome, 64 at a time.
// The time is of everything in the process: NATS, gateway's and worker's ends as well.
func BenchmarkRequest(b *testing.B) {
	s := bustest.Start(b)
	rb := bustest.Connect(b, s, bus.Options{Name: "router"})
	r := router.New(router.DefaultConfig(), host.Deps{
		ID: "rt", Log: slog.New(slog.DiscardHandler), Metrics: prometheus.NewRegistry(), Bus: rb, NATS: bus.DefaultConfig(),
	})
	go func() { _ = r.Run(b.Context()) }()
	wb, gb := bustest.Connect(b, s, bus.Options{Name: "w"}), bustest.Connect(b, s, bus.Options{Name: "gw"})
	ended := make(chan struct{}, 1024)
	_, err := wb.Subscribe(bus.Control, events.Work.Name("w"), func(m *nats.Msg) {
		d := &inferv1.Dispatch{}
		if err := proto.Unmarshal(m.Data, d); err != nil {
			b.Error(err)
		}
		out := &inferv1.Outcomes{Worker: "w", Outcomes: []*inferv1.Outcome{{Number: d.GetNumber(), Verdict: done}}}
		if err := wb.Publish(bus.Control, "rtr.rt", "", out); err != nil {
			b.Error(err)
		}
		ended <- struct{}{}
	})
	if err != nil {
		b.Fatal(err)
	}
	n := uint64(0)
	report := func() {
		n++
		rep := &inferv1.Report{Worker: "w", Pool: "m", Number: n, StartedUnixNanos: 1, State: inferv1.WorkerState_WORKER_STATE_READY, Slots: 1024}
		if err := wb.Publish(bus.Control, events.Reports.Name("m", "w"), "", rep); err != nil {
			b.Error(err)
		}
	}
	for owner := (&inferv1.Owner{}); owner.GetRouter() == ""; {
		report()
		_ = gb.Request(b.Context(), events.Takeovers.Name("m", "0"), &inferv1.Takeover{Gateway: "gw"}, owner) // until somebody owns it
	}
	submit := func(i uint64) {
		c := &inferv1.Call{Call: &inferv1.Call_Submit{Submit: &inferv1.Submit{
			Gateway: "gw", Sequence: i, Attempt: 1, Tenant: "t", PromptTokens: 40, MaxTokens: 16, Body: make([]byte, 300), Prefix: []uint64{1, 2, i},
		}}}
		if err := gb.Publish(bus.Control, "infer.m.0", fmt.Sprintf("rep.gw.%x", i), c); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
	i := uint64(0)
	for ; i < 64; i++ {
		submit(i)
	}
	for b.Loop() {
		<-ended
		if i++; i%4096 == 0 {
			report()
		}
		submit(i)
	}
}
