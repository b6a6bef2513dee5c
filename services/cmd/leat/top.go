package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/nats-io/nats.go"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/proto"

	"github.com/leathq/leat/pkg/bus"
	"github.com/leathq/leat/pkg/conf"
	"github.com/leathq/leat/pkg/events"
	inferv1 "github.com/leathq/leat/proto/gen/leat/infer/v1"
	routerv1 "github.com/leathq/leat/proto/gen/leat/router/v1"
	"github.com/leathq/leat/services/cmd/leat/internal/onbus"
	"github.com/leathq/leat/services/cmd/leat/internal/top"
	"github.com/leathq/leat/services/cmd/leat/internal/variables"
)

// glance is how long --once listens: reports come four times a second, and a rate needs two.
const glance = 1200 * time.Millisecond

type topFlags struct {
	Addr string `yaml:"addr" flag:"addr" doc:"gRPC address of a router, or of leat up, which knows what is queued and how many workers are wanted; empty: none is asked"`
	Once bool   `yaml:"once" flag:"once" doc:"print one frame and end"`
}

// watchFleet shows the fleet in the terminal until q.
func watchFleet(ctx context.Context, args []string, environ variables.Environ) error {
	own := topFlags{Addr: "127.0.0.1:8081"}
	cfg, _, err := onbus.Load(onbus.Spec{
		Program: "leat top", Summary: "Shows pools, workers, queues, tokens per second and GPUs, live. s sorts by something else, q ends.",
		Examples: []string{"leat top", "leat top --nats nats://host:4222 --addr router:8081", "leat top --once"},
		Args:     args, Environ: environ, Key: "top", Own: &own,
	})
	if err != nil {
		return err
	}
	b, closing, err := onbus.Connect(ctx, cfg, bus.Options{Name: "top", Inbox: string(events.Console)})
	if err != nil {
		return err
	}
	defer closing()
	router, err := grpc.NewClient(own.Addr, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return fmt.Errorf("address %s: %w", own.Addr, err)
	}
	defer func() { _ = router.Close() }() // nothing is in flight any more
	told := func() map[string]top.Told {
		if own.Addr == "" {
			return nil
		}
		return tellings(ctx, routerv1.NewRouterServiceClient(router))
	}
	source := conf.HidePasswords(cfg.URL)
	if own.Once {
		return oneFrame(ctx, b, source, told)
	}
	return screen(ctx, b, source, told)
}

// reports has take called for each report.
func reports(b *bus.Bus, take func(*inferv1.Report)) error {
	_, err := b.Subscribe(events.Reports.Lane, events.Reports.All(), func(m *nats.Msg) {
		r := &inferv1.Report{}
		if proto.Unmarshal(m.Data, r) == nil { // what is no report is nobody's here
			take(r)
		}
	})
	return err
}

// tellings asks a router what it has queued and how many workers it wants, by pool; nil where it does not answer.
func tellings(ctx context.Context, client routerv1.RouterServiceClient) map[string]top.Told {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	list, err := client.ListPools(ctx, &routerv1.ListPoolsRequest{})
	if err != nil {
		return nil
	}
	out := map[string]top.Told{}
	for _, p := range list.GetPools() {
		t := top.Told{Scaling: p.GetScaling()}
		for _, part := range p.GetPartitions() {
			t.Queued += uint64(part.GetQueued())
		}
		out[p.GetName()] = t
	}
	return out
}

// oneFrame listens for a moment and prints what it heard.
func oneFrame(ctx context.Context, b *bus.Bus, source string, told func() map[string]top.Told) error {
	fleet, heard := &top.Fleet{}, make(chan *inferv1.Report, 1<<12)
	if err := reports(b, func(r *inferv1.Report) { heard <- r }); err != nil {
		return err
	}
	end := time.After(glance)
	for {
		select {
		case <-ctx.Done():
			return nil
		case r := <-heard:
			fleet.Report(r, time.Now())
			continue
		case <-end:
		}
		fleet.Told(told())
		_, err := fmt.Fprint(os.Stdout, top.View{Source: source}.Frame(fleet, time.Now()))
		return err
	}
}

// screen is the live view.
func screen(ctx context.Context, b *bus.Bus, source string, told func() map[string]top.Told) error {
	p := tea.NewProgram(top.NewScreen(source, time.Now), tea.WithAltScreen(), tea.WithContext(ctx), tea.WithoutSignalHandler())
	if err := reports(b, func(r *inferv1.Report) { p.Send(top.ReportMsg{Report: r}) }); err != nil {
		return err
	}
	asking, stop := context.WithCancel(ctx)
	defer stop()
	go func() {
		for t := time.NewTicker(time.Second); ; {
			p.Send(top.ToldMsg(told()))
			select {
			case <-asking.Done():
				t.Stop()
				return
			case <-t.C:
			}
		}
	}()
	if _, err := p.Run(); err != nil && !errors.Is(err, tea.ErrProgramKilled) && ctx.Err() == nil {
		return fmt.Errorf("draw in this terminal: %w (leat top --once prints one frame)", err)
	}
	return nil
}
