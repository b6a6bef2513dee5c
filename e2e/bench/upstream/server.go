package upstream

import (
	"context"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
)

// Server is a running upstream. All methods are safe for concurrent use.
type Server struct {
	answers *answers
	wheel   *wheel
	address string // the one that was picked
	served  atomic.Int64
	active  atomic.Int64  // streams
	garbled atomic.Int64  // answers of FaultGarbage
	over    chan struct{} // closed by Close

	state   atomic.Pointer[state]
	mu      sync.Mutex // guards what follows, and changes of state
	changed chan struct{}
	listen  net.Listener
	conns   map[*conn]struct{}
	closed  bool
	group   sync.WaitGroup
}

// state is what a request looks at.
type state struct {
	profile Profile
	fault   Fault
}

// Start listens and serves until Close.
func Start(cfg Config) (*Server, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	s := &Server{answers: newAnswers(cfg.Model), conns: map[*conn]struct{}{}, changed: make(chan struct{}), over: make(chan struct{}), address: cfg.Address}
	s.state.Store(&state{profile: cfg.Profile, fault: FaultNone})
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.open(); err != nil {
		return nil, err
	}
	s.wheel = newWheel(s)
	s.group.Go(s.wheel.turn)
	return s, nil
}

// Address is host:port of the endpoint; it stays the same over a refusal.
func (s *Server) Address() string { return s.address }

// Active is the number of streams that run now, and Served of requests that were taken so far.
func (s *Server) Active() int64 { return s.active.Load() }

// Served is the number of requests that were taken so far.
func (s *Server) Served() int64 { return s.served.Load() }

// open listens. The caller holds mu.
func (s *Server) open() error {
	listen, err := new(net.ListenConfig).Listen(context.Background(), "tcp", s.address)
	if err != nil {
		return fmt.Errorf("listen for requests: %w", err)
	}
	s.listen, s.address = listen, listen.Addr().String()
	s.group.Go(func() { s.accept(listen) })
	return nil
}

func (s *Server) accept(listen net.Listener) {
	for {
		socket, err := listen.Accept()
		if err != nil {
			return // closed by Set or Close
		}
		c := newConn(s, socket)
		s.mu.Lock()
		if s.closed || s.listen != listen {
			s.mu.Unlock()
			_ = socket.Close()
			return
		}
		s.conns[c] = struct{}{}
		s.group.Go(c.serve)
		s.mu.Unlock()
	}
}

// Set changes how the server behaves.
func (s *Server) Set(profile Profile, fault Fault) error {
	if err := profile.validate(); err != nil {
		return err
	}
	if !fault.known() {
		return fmt.Errorf("fault %q is unknown", fault)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state.Store(&state{profile: profile, fault: fault})
	close(s.changed)
	s.changed = make(chan struct{})
	if fault != FaultRefuse && fault != FaultKill {
		if s.listen == nil && !s.closed {
			return s.open()
		}
		return nil
	}
	if s.listen != nil {
		_ = s.listen.Close()
		s.listen = nil
	}
	for c := range s.conns {
		if fault == FaultKill || c.idle.Load() {
			_ = c.socket.Close()
		}
	}
	return nil
}

// Fail keeps the profile and sets the fault.
func (s *Server) Fail(fault Fault) error { return s.Set(s.state.Load().profile, fault) }

// whileHanging waits until the fault is no hang, or the server is closed.
func (s *Server) whileHanging() {
	for {
		s.mu.Lock()
		changed, closed := s.changed, s.closed
		s.mu.Unlock()
		if f := s.state.Load().fault; closed || (f != FaultHangFirst && f != FaultHangStream) {
			return
		}
		<-changed
	}
}

// Close cuts everything and returns when all goroutines have ended.
func (s *Server) Close() {
	s.mu.Lock()
	if !s.closed {
		s.closed = true
		close(s.changed)
		close(s.over)
		if s.listen != nil {
			_ = s.listen.Close()
		}
		for c := range s.conns {
			_ = c.socket.Close()
		}
		s.wheel.stop()
	}
	s.mu.Unlock()
	s.group.Wait()
}

func (s *Server) forget(c *conn) {
	_ = c.socket.Close()
	s.mu.Lock()
	delete(s.conns, c)
	s.mu.Unlock()
}
