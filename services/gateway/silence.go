package gateway

import (
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"google.golang.org/protobuf/proto"

	"github.com/leathq/leat/pkg/bus"
	"github.com/leathq/leat/pkg/events"
	inferv1 "github.com/leathq/leat/proto/gen/leat/infer/v1"
	"github.com/leathq/leat/services/gateway/internal/flight"
)

const (
	// patienceUnread is how long a worker may leave pings unanswered before what nobody has read of it runs elsewhere.
	patienceUnread = 2 * time.Second
	// patienceRead is the same for an answer that has begun: it can only be ended.
	patienceRead = 5 * time.Second
	// lapse is how long an echo may take; what takes longer is the bus's fault, not the workers'.
	lapse = 750 * time.Millisecond
)

// echoes is the worker's place in the subject of a gateway's word to itself.
const echoes = events.PongEcho

func patience(p flight.Place) time.Duration {
	if p.Taken {
		return patienceRead
	}
	return patienceUnread
}

// silence tells a worker that does not answer from a bus that does not carry: with its pings a gateway sends an echo to
// itself, and the workers' silence counts only while echoes come back. A stopped process keeps its subscriptions, so
// NATS says nothing of it. It is safe for concurrent use.
type silence struct {
	mu    sync.Mutex
	since map[string]wait // by worker with a ping that is not answered
	some  atomic.Bool     // since is not empty
	sent  time.Duration   // the last echo
	heard time.Duration   // the last echo that came back
	clear time.Duration   // since when every echo has come back in time
}

// wait is for how long a worker has been asked in vain.
type wait struct{ first, last time.Duration }

// asked notes a ping at now, and returns how long the worker has left pings unanswered; 0 where that says nothing.
func (s *silence) asked(worker string, now time.Duration) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	w, known := s.since[worker]
	if !known || now-w.last > 2*lapse { // nobody asked for a while
		w.first = now
	}
	w.last = now
	if s.since == nil {
		s.since = map[string]wait{}
	}
	s.since[worker] = w
	s.some.Store(true)
	if now-s.heard > lapse {
		return 0
	}
	return now - max(w.first, s.clear)
}

// spoke notes a word of a worker.
func (s *silence) spoke(worker string) {
	if !s.some.Load() { // as nearly always: frames come by the thousand
		return
	}
	s.mu.Lock()
	delete(s.since, worker)
	s.some.Store(len(s.since) > 0)
	s.mu.Unlock()
}

// due says whether an echo is to be sent at now, and counts it as sent.
func (s *silence) due(now time.Duration) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sent > 0 && now-s.sent < Silence {
		return false
	}
	s.sent = now
	return true
}

// echoed notes that an echo is back.
func (s *silence) echoed(sent, now time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now-s.heard > lapse || now-sent > lapse {
		s.clear = now
	}
	s.heard = now
	maps.DeleteFunc(s.since, func(_ string, w wait) bool { return now-w.last > time.Minute })
	s.some.Store(len(s.since) > 0)
}

// echo sends the gateway a word of its own by the way that pongs take.
func (l *link) echo(now time.Duration) {
	if !l.quiet.due(now) {
		return
	}
	if err := l.bus.Publish(bus.Control, events.Pongs.Name(l.g.id, echoes), "", &inferv1.Pong{StartedUnixNanos: int64(now)}); err != nil {
		l.g.log.Warn("echo not sent; silent workers are waited for", "error", err)
	}
}

func (l *link) echoed(m *nats.Msg) {
	p := &inferv1.Pong{}
	if err := proto.Unmarshal(m.Data, p); err == nil { // it is our own
		l.quiet.echoed(time.Duration(p.GetStartedUnixNanos()), l.now())
	}
}
