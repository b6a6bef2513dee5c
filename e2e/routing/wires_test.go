package routing_test

import (
	"context"
	"net"
	"sync"
	"testing"

	"github.com/leathq/leat/pkg/bus/bustest"
	"github.com/leathq/leat/pkg/bus/embed"
)

// wires are what the parts of a platform speak over: a NATS server, and how clients reach the gateway.
type wires struct {
	nats *embed.Server
	http net.Listener
	dial func(ctx context.Context, network, addr string) (net.Conn, error)
}

// inMemory is for virtual time: nothing goes through a socket, for which the clock would have to wait.
func inMemory(t *testing.T) wires {
	l := &pipes{accept: make(chan net.Conn), closed: make(chan struct{})}
	return wires{nats: bustest.StartInProcess(t), http: l, dial: l.dial}
}

// sockets is TCP on this machine.
func sockets(t *testing.T) wires {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return wires{nats: bustest.Start(t), http: l, dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "tcp", l.Addr().String())
	}}
}

// pipes is a listener for connections within the process.
type pipes struct {
	accept chan net.Conn
	once   sync.Once
	closed chan struct{}
}

func (p *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case p.accept <- server:
		return client, nil
	case <-p.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.accept:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Net: "pipe", Name: "gateway"} }
