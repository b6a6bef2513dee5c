package frames

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/leathq/leat/services/worker/internal/engine"
)

// Publish sends one encoded frame to a gateway. It must not keep the frame.
type Publish func(gateway string, frame []byte) error

// Options of a Sender; the zero value of a field is its default.
type Options struct {
	MaxFrame int           // bytes of a frame at most; 900 kB
	Collect  time.Duration // how long deltas are collected above Crowd open streams, where no engine brackets steps; 1 ms
	Crowd    int           // 32
	Patience time.Duration // how long deltas of an answer that is not streamed may wait for company; 50 ms
	Deltas   int           // deltas that a stream keeps for resending; 256
	Bytes    int           // bytes of them; 4 MiB
}

func (o Options) withDefaults() Options {
	set := func(v *int, d int) {
		if *v == 0 {
			*v = d
		}
	}
	set(&o.MaxFrame, 900<<10)
	set(&o.Crowd, 32)
	set(&o.Deltas, 256)
	set(&o.Bytes, 4<<20)
	if o.Collect == 0 {
		o.Collect = time.Millisecond
	}
	if o.Patience == 0 {
		o.Patience = 50 * time.Millisecond
	}
	return o
}

// Counts are totals since the start.
type Counts struct {
	Frames, Deltas, Bytes, Resent uint64
	Failed                        uint64 // frames that the bus did not take; the gateway asks for their deltas again
}

// Sender collects deltas for each gateway and publishes them, one goroutine a gateway. It implements engine.Steps. All
// methods are safe for concurrent use.
type Sender struct {
	worker  string
	publish Publish
	opts    Options

	gate    sync.RWMutex // held for reading during an engine's step, for writing to take what a frame carries
	stepped atomic.Bool  // an engine brackets its steps, so nothing is gained by collecting
	open    atomic.Int64 // streams that may still emit

	mu       sync.Mutex
	gateways map[string]*gateway
	closed   bool
	running  sync.WaitGroup

	frames, deltas, bytes, resent, failed atomic.Uint64
}

// NewSender makes a sender that speaks as a worker. Close ends it.
func NewSender(worker string, publish Publish, opts Options) *Sender {
	return &Sender{worker: worker, publish: publish, opts: opts.withDefaults(), gateways: map[string]*gateway{}}
}

// Hold implements engine.Steps: until Release nothing is published.
func (s *Sender) Hold() {
	s.gate.RLock()
	if !s.stepped.Load() {
		s.stepped.Store(true)
	}
}

// Release implements engine.Steps.
func (s *Sender) Release() { s.gate.RUnlock() }

// Counts returns the totals.
func (s *Sender) Counts() Counts {
	return Counts{
		Frames: s.frames.Load(), Deltas: s.deltas.Load(), Bytes: s.bytes.Load(), Resent: s.resent.Load(), Failed: s.failed.Load(),
	}
}

// Forget drops a gateway that is gone, unless it has open streams, and returns whether it did. Whatever waits for it is
// still published.
func (s *Sender) Forget(name string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.gateways[name]
	if g == nil || g.open > 0 {
		return false
	}
	delete(s.gateways, name)
	g.stop()
	return true
}

// Refuse tells a gateway with an error that the delta with this index, and all after it, will not come. It does not wait
// for the connection.
func (s *Sender) Refuse(gateway string, sequence uint64, attempt, index uint32, f Failure) {
	g := s.gateway(gateway, 0)
	g.add(appendDelta(nil, appendHead(nil, sequence, attempt), index, nil, &engine.Delta{}, &f), false)
	g.rouse()
}

// Close publishes what waits and ends every gateway's goroutine. Streams may go on emitting; nobody hears it.
func (s *Sender) Close() {
	s.mu.Lock()
	s.closed = true
	for _, g := range s.gateways {
		g.stop()
	}
	s.mu.Unlock()
	s.running.Wait()
}

// gateway finds or makes the gateway of a name and counts streams up.
func (s *Sender) gateway(name string, open int) *gateway {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.gateways[name]
	if g == nil {
		g = newGateway(s, name)
		s.gateways[name] = g
		if s.closed {
			g.stop()
		}
		s.running.Go(g.run)
	}
	g.open += open
	return g
}
