// Package lease decides when a router claims, renews and gives up a pool partition.
//
// A Seat is a state machine over what the lease bucket says; it refuses to speak to the bucket itself. Ownership is
// safe without trusted clocks because every dispatch carries the epoch, and workers refuse older ones; the times here
// only decide how soon a standby takes over. A Seat is not safe for concurrent use.
package lease

import "time"

const (
	// RenewEvery is how often an owner renews.
	RenewEvery = 500 * time.Millisecond
	// ClaimAfter is for how long a lease must not have moved before a standby claims it.
	ClaimAfter = 2 * time.Second
	// ValidFor is how long after the start of its last good renewal an owner still acts as one.
	ValidFor = 2 * time.Second
)

// Step is what is to be done for a seat now.
type Step uint8

// The steps.
const (
	Nothing  Step = iota
	Claim         // compare-and-set against Revision, or create where it is 0
	Renew         // compare-and-set against Revision
	StepDown      // stop acting as the owner
)

// Seat is one partition as one router sees it.
type Seat struct {
	me       string
	Owner    string // by the last entry seen; empty: none
	Epoch    uint64 // of that owner
	Floor    uint64 // the lowest epoch that a claim may have: above all that were seen
	Revision uint64 // of the last entry; 0: there is none
	mine     bool
	moved    time.Time // when the entry was last seen to change
	renewed  time.Time // start of the last good claim or renewal
	tried    time.Time // start of the last step in turn
	began    time.Time // start of the last step
	busy     bool      // a step is being carried out
}

// New is a seat without an entry, first looked at now: it is claimed after a grace in which the entry may be seen.
func New(me string, now time.Time, grace time.Duration) *Seat {
	return &Seat{me: me, moved: now.Add(grace - ClaimAfter)}
}

// Seen notes an entry of the bucket: its owner, its epoch and its revision. An empty owner means that the entry was
// deleted: the seat is free at once.
func (s *Seat) Seen(owner string, epoch, revision uint64, now time.Time) {
	if owner != "" {
		s.Outdated(epoch)
	}
	if revision <= s.Revision {
		return
	}
	s.Owner, s.Revision, s.moved = owner, revision, now
	if owner == "" {
		s.moved = now.Add(-ClaimAfter)
		return
	}
	s.Epoch = epoch
}

// Outdated notes an epoch that somebody knows of: a claim must be above it.
func (s *Seat) Outdated(epoch uint64) { s.Floor = max(s.Floor, epoch+1) }

// Anew notes that the bucket was lost and made again: its revisions compare with none from before. An owner renews into
// the empty bucket, unless somebody else is there already.
func (s *Seat) Anew() { s.Revision = 0 }

// Next is what to do at now. A step that is returned counts as begun: report its end with Took, Failed or Down.
func (s *Seat) Next(now time.Time) Step {
	switch {
	case s.mine && !s.Valid(now):
		return StepDown
	case s.busy:
		return Nothing
	case s.mine && now.Sub(s.tried) >= RenewEvery:
		s.begin(now)
		s.tried = now
		return Renew
	case !s.mine && now.Sub(s.moved) >= ClaimAfter && now.Sub(s.tried) >= RenewEvery:
		s.begin(now)
		s.tried = now
		return Claim
	}
	return Nothing
}

// Due is when Next may have something to do, unless the seat changes before. It is in the past while a step that is under
// way holds up another.
func (s *Seat) Due() time.Time {
	again := s.tried.Add(RenewEvery)
	switch {
	case s.mine && s.Owner != s.me:
		return s.moved // at once
	case s.mine && s.Until().Before(again):
		return s.Until()
	case !s.mine && again.Before(s.moved.Add(ClaimAfter)):
		return s.moved.Add(ClaimAfter)
	}
	return again
}

// Begin starts a claim out of turn: somebody knows that the owner is gone. It is false while a step is under way.
func (s *Seat) Begin(now time.Time) bool {
	if s.busy {
		return false
	}
	s.begin(now)
	return true
}

func (s *Seat) begin(now time.Time) { s.busy, s.began = true, now }

// Took notes that the claim or renewal begun last was written as revision. A claim sets the new epoch; 0 is a renewal. A
// renewal that was under way when the owner stepped down changes nothing.
func (s *Seat) Took(revision, epoch uint64, now time.Time) {
	claim := epoch > 0
	s.busy = false
	if s.Revision > revision || !claim && !s.mine { // somebody else has written since, or it is too late
		return
	}
	if claim {
		s.Epoch = epoch
		s.Outdated(epoch)
	}
	s.mine, s.Owner, s.Revision = true, s.me, revision
	s.renewed, s.moved = s.began, now
}

// Failed notes that the step begun last was not written. An owner that lost the entry to somebody else (conflict)
// steps down; one that could not reach the bucket goes on until its validity ends.
func (s *Seat) Failed(conflict bool) {
	s.busy = false
	if conflict && s.mine {
		s.renewed = time.Time{}
	}
}

// Down notes that the router has stopped acting as the owner.
func (s *Seat) Down(now time.Time) {
	s.mine, s.busy = false, false
	s.moved = now // whoever has it now gets the usual time
	if s.Owner == s.me {
		s.Owner = ""
	}
}

// Mine says whether this router acts as the owner.
func (s *Seat) Mine() bool { return s.mine }

// Valid says whether an owner may act as one at now: nobody else has claimed, and it has renewed in time. A process that was stopped for a while finds out by this.
func (s *Seat) Valid(now time.Time) bool { return s.mine && s.Owner == s.me && now.Before(s.Until()) }

// Until is when the ownership ends unless it is renewed.
func (s *Seat) Until() time.Time { return s.renewed.Add(ValidFor) }
