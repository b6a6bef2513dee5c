package flight

import "time"

// Silence is how long nothing may be heard of a sequence before the gateway asks.
const Silence = 250 * time.Millisecond

// gapWait is how long a resend may take before the sequence is given up.
const gapWait = 2 * time.Second

// Need is what a silent sequence asks for.
type Need uint8

// The needs.
const (
	Nothing      Need = iota
	AskRouter         // what became of it?
	AskWorker         // do you still run it, and what did I miss?
	NoConnect         // no router took it in time
	NoFirstToken      // no first token in time
	NoToken           // no further token in time
	NoTime            // the total time is over
	NoReader          // the client takes nothing
	Overtaken         // the first token is late: run another sequence beside it
	NoResend          // a gap was not filled
)

// Check says what a sequence needs now. It is called every few dozen milliseconds.
func (s *Sequence) Check(now time.Duration) Need {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over {
		return Nothing
	}
	paused := s.bound && s.next >= s.granted
	switch {
	case now-s.created > s.waits.Total:
		return NoTime
	case s.next == 0 && now-max(s.created, s.cold) > s.waits.FirstToken:
		return NoFirstToken
	case s.gap > 0 && now-s.gap > gapWait:
		return NoResend
	case s.tooSlow(now):
		return NoReader
	case s.next > 0 && !paused && len(s.pending) == 0 && now-s.delta > s.waits.Idle:
		return NoToken
	case !s.bound && s.worker == "" && !s.taken && now-s.submitted > s.waits.Connect:
		return NoConnect
	case s.late(now):
		return Overtaken
	}
	return s.ask(now)
}

// Cold notes that no worker is up that could give the first token: the wait for it begins anew.
func (s *Sequence) Cold(now time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cold = now
}

// tooSlow notes since when the reader has taken nothing of what lies there.
func (s *Sequence) tooSlow(now time.Duration) bool {
	if len(s.pending) == 0 {
		s.stuck = 0
		return false
	}
	if s.stuck == 0 {
		s.stuck = now
	}
	return now-s.stuck > s.waits.Slow
}

func (s *Sequence) ask(now time.Duration) Need {
	if now-s.heard < Silence || now-s.asked < Silence {
		return Nothing
	}
	s.asked = now
	if s.worker == "" {
		return AskRouter
	}
	return AskWorker
}

// Hurry makes the next Check ask at once: the connection was lost and is back.
func (s *Sequence) Hurry() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.heard, s.asked = -Silence, -Silence
}
