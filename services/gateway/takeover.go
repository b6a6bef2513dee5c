package gateway

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/leathq/leat/pkg/events"
	inferv1 "github.com/leathq/leat/proto/gen/leat/infer/v1"
	"github.com/leathq/leat/services/gateway/internal/flight"
)

// unowned handles a call that found no router: a submission (the token is its sequence) or a probe ("p" and the
// partition's index). The partition must be claimed first.
func (l *link) unowned(token string) {
	if idx, ok := strings.CutPrefix(token, "p"); ok {
		n, err := strconv.Atoi(idx)
		if p := l.partition(n); err == nil && p != nil {
			l.orphan(p, nil)
		}
		return
	}
	id, err := strconv.ParseUint(token, 16, 64)
	if err != nil {
		return
	}
	if s := l.g.table.Get(id); s != nil {
		l.orphan(l.partition(s.Partition), s)
	}
}

// orphan notes a sequence of a partition without an owner and has the partition claimed.
func (l *link) orphan(p *partition, s *flight.Sequence) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if s != nil {
		p.orphans[s.ID] = s
	}
	if !p.claim {
		p.claim = true
		go l.takeover(p)
	}
}

// takeover asks the routers to claim a partition until one owns it, then submits again what found nobody. Sequences
// that wait for longer than their connect time-out are ended by their own check.
func (l *link) takeover(p *partition) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	subject := events.Takeovers.Name(p.pool, strconv.Itoa(p.number))
	owner := &inferv1.Owner{}
	for ctx.Err() == nil {
		try, done := context.WithTimeout(ctx, Silence)
		err := l.bus.Request(try, subject, &inferv1.Takeover{Gateway: l.g.id}, owner)
		done()
		if err == nil || !l.wanted(p) {
			break
		}
		select {
		case <-ctx.Done():
		case <-time.After(20 * time.Millisecond):
		}
	}
	p.mu.Lock()
	orphans := p.orphans
	p.orphans, p.claim = map[uint64]*flight.Sequence{}, false
	p.mu.Unlock()
	for _, s := range orphans {
		l.again(s, "", nil)
	}
	l.g.table.Each(func(s *flight.Sequence) { // those that the last owner took with it: ask the new one now
		if place := s.Where(); s.Partition == p.index && orphans[s.ID] == nil && !place.Bound && place.Worker == "" {
			s.Hurry()
		}
	})
}

// wanted reports whether a partition has sequences that still wait for an owner.
func (l *link) wanted(p *partition) bool {
	found := false
	l.g.table.Each(func(s *flight.Sequence) {
		if !found && s.Partition == p.index {
			place := s.Where()
			found = !place.Over && !place.Bound
		}
	})
	return found
}
