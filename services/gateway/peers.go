package gateway

import (
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
)

// peerGone is how long after its last heartbeat a gateway is not counted any more.
const peerGone = 3 * time.Second

// peers are the gateways that are heard, this one among them. It is safe for concurrent use.
type peers struct {
	mu   sync.Mutex
	seen map[string]time.Duration
}

// heartbeatOf notes a gateway's.
func (l *link) heartbeatOf(m *nats.Msg) {
	_, name, _ := strings.Cut(m.Subject, ".")
	l.peers.mu.Lock()
	defer l.peers.mu.Unlock()
	if l.peers.seen == nil {
		l.peers.seen = map[string]time.Duration{}
	}
	l.peers.seen[name] = l.now()
}

// count is how many gateways there are, at least one.
func (p *peers) count(now time.Duration) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	for name, at := range p.seen {
		if now-at > peerGone {
			delete(p.seen, name)
		}
	}
	return max(len(p.seen), 1)
}
