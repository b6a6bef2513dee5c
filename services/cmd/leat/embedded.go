package main

import (
	"context"
	"errors"

	"google.golang.org/grpc"

	"github.com/leathq/leat/pkg/bus"
	"github.com/leathq/leat/pkg/bus/embed"
	"github.com/leathq/leat/pkg/conf"
	"github.com/leathq/leat/pkg/host"
	"github.com/leathq/leat/services/all"
)

// embedded is the NATS inside the process, where there is one. As a service it only says so at start: it serves from
// open until the host has closed the bus.
type embedded struct {
	server *embed.Server
}

// open starts the server and connects to it without a socket, or connects to the NATS that --nats names.
func (e *embedded) open(cfg *all.Config) func(context.Context, *host.Host) (*bus.Bus, error) {
	return func(ctx context.Context, h *host.Host) (*bus.Bus, error) {
		o := bus.Options{Name: h.ID, Inbox: "leat", Log: h.Log}
		if h.Loaded().Origin("nats.url").Layer != conf.Default {
			return bus.Connect(ctx, h.NATS, o)
		}
		if h.Config().Host.Production() {
			return nil, errors.New("the profile production does not allow this start: the embedded NATS is one server; start a cluster and name it by --nats")
		}
		s, err := embed.Start(cfg.Embedded)
		if err != nil {
			return nil, err
		}
		h.OnClose("embedded NATS", func(context.Context) error { s.Stop(); return nil })
		e.server, o.InProcess = s, s
		b, err := bus.Connect(ctx, h.NATS, o)
		h.NATS.URL = s.URL()
		return b, err
	}
}

// Name is the service's name.
func (*embedded) Name() string { return "nats" }

// Register has nothing to add.
func (*embedded) Register(grpc.ServiceRegistrar) {}

// Banner says where the server listens and how durable it is.
func (e *embedded) Banner() []string { return e.server.Banner() }

// Run waits for the end.
func (*embedded) Run(ctx context.Context) error {
	<-ctx.Done()
	return nil
}
