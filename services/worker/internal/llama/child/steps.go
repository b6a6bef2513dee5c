package child

import (
	"errors"
	"slices"
	"time"

	"github.com/leathq/leat/services/worker/internal/engine"
	"github.com/leathq/leat/services/worker/internal/llama/native"
	"github.com/leathq/leat/services/worker/internal/llama/wire"
)

// decodeStep generates one token for every running sequence that is not paused, in one native call, and returns how
// many there were.
func (s *scheduler) decodeStep() (int, error) {
	if s.lone {
		return s.decodeLone()
	}
	s.closeGap()
	s.rows, s.picks = s.rows[:0], s.picks[:0]
	s.addDecodes()
	n := len(s.rows)
	if n == 0 {
		return 0, nil
	}
	start := time.Now()
	if err := s.call(nil); err != nil {
		return 0, err
	}
	if err := s.pickAll(); err != nil {
		return 0, err
	}
	s.flush(wire.StepDecode, n, time.Since(start))
	return n, nil
}

// decodeLone is decodeStep with one call a sequence.
func (s *scheduler) decodeLone() (n int, err error) {
	start := time.Now()
	for _, q := range slices.Clone(s.decoding) {
		if q.paused {
			continue
		}
		s.rows = append(s.rows[:0], native.Token{ID: q.pending, Pos: q.pos, Slot: q.slot, Logits: true})
		s.picks = append(s.picks[:0], pick{q: q, decode: true})
		if err := s.call(nil); err != nil {
			return 0, err
		}
		if err := s.pickAll(); err != nil {
			return 0, err
		}
		n++
	}
	if n > 0 {
		s.flush(wire.StepDecode, n, time.Since(start))
	}
	return n, nil
}

// addDecodes puts the pending token of every running sequence into the batch.
func (s *scheduler) addDecodes() {
	for _, q := range s.decoding {
		if q.paused {
			continue
		}
		s.picks = append(s.picks, pick{q: q, row: len(s.rows), decode: true})
		s.rows = append(s.rows, native.Token{ID: q.pending, Pos: q.pos, Slot: q.slot, Logits: true})
	}
}

// prefillStep processes up to room prompt tokens, each prompt in native calls of its own, and returns how many.
func (s *scheduler) prefillStep(room int) (int, error) {
	total, idle := 0, len(s.decoding) == 0
	for total < room {
		q := s.nextPrompt()
		if q == nil || total > 0 && !fits(q.left(), room-total) {
			break
		}
		n, err := s.prefillOne(q, room-total)
		if err != nil {
			return total, err
		}
		if total += n; idle && len(s.decoding) > 0 {
			break // the first sequence to run gets its second token before the next prompt
		}
	}
	return total, nil
}

// prefillOne runs one call with a prompt's next chunk; no tokens: the sequence was cancelled.
func (s *scheduler) prefillOne(q *sequence, room int) (int, error) {
	start := time.Now()
	s.rows, s.picks = s.rows[:0], s.picks[:0]
	n := s.addPrompt(q, room)
	err := s.call([]*sequence{q})
	if errors.Is(err, native.ErrAborted) {
		s.m.Trim(q.slot, q.pos)
		s.sweep()
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	if err := s.prompted(q, 0, n); err != nil {
		return 0, err
	}
	if err := s.pickAll(); err != nil {
		return 0, err
	}
	s.flush(wire.StepPrefill, n, time.Since(start))
	return n, nil
}

// mixedStep is for schedules whose decode steps and prompt tokens share one native call.
func (s *scheduler) mixedStep() (bool, error) {
	s.rows, s.picks = s.rows[:0], s.picks[:0]
	s.addDecodes()
	decodes := len(s.rows)
	type part struct {
		q      *sequence
		row, n int
	}
	var parts []part
	var prompts []*sequence
	for room := s.room(decodes); room > 0; {
		q := s.nextPromptAfter(prompts)
		if q == nil || len(parts) > 0 && !fits(q.left(), room) {
			break
		}
		row := len(s.rows)
		n := s.addPrompt(q, room)
		room -= n
		parts, prompts = append(parts, part{q, row, n}), append(prompts, q)
	}
	if len(s.rows) == 0 {
		return false, nil
	}
	start := time.Now()
	err := s.call(prompts)
	if errors.Is(err, native.ErrAborted) {
		for _, r := range s.rows { // the call is repeated without the cancelled sequence
			s.m.Trim(r.Slot, len(s.slots[r.Slot].tokens))
		}
		s.sweep()
		return true, nil
	}
	if err != nil {
		return false, err
	}
	tokens := len(s.rows)
	for _, p := range parts {
		if err := s.prompted(p.q, p.row, p.n); err != nil {
			return false, err
		}
	}
	if err := s.pickAll(); err != nil {
		return false, err
	}
	kind := wire.StepMixed
	if decodes == tokens {
		kind = wire.StepDecode
	}
	s.flush(kind, tokens, time.Since(start))
	return true, nil
}

// nextPrompt returns the sequence whose prompt is next, giving a waiting one a slot; nil where there is none.
func (s *scheduler) nextPrompt() *sequence { return s.nextPromptAfter(nil) }

func (s *scheduler) nextPromptAfter(taken []*sequence) *sequence {
	for _, q := range s.prefilling {
		if !slices.Contains(taken, q) {
			return q
		}
	}
	for i, q := range s.waiting {
		if q.paused {
			continue
		}
		if !s.admit(q) {
			return nil
		}
		s.waiting = slices.Delete(s.waiting, i, i+1)
		s.prefilling = append(s.prefilling, q)
		return q
	}
	return nil
}

// admit gives a sequence a slot and the longest prefix that the cache holds of its prompt.
func (s *scheduler) admit(q *sequence) bool {
	limit := len(q.prompt) - s.rules.MinChunk
	if q.scored() {
		limit = 0 // every position needs its logits
	}
	p, ok := place(s.slots, q.prompt, limit, !s.rules.Unified)
	if !ok {
		return false
	}
	if p.from >= 0 && p.from != p.slot && !s.m.Copy(p.from, p.slot, p.keep) {
		p.keep = 0
	}
	if !s.m.Trim(p.slot, p.keep) {
		s.m.Trim(p.slot, 0)
		p.keep = 0
	}
	sl := &s.slots[p.slot]
	sl.seq, sl.reusable = q, p.keep
	sl.tokens = append(sl.tokens[:0], q.prompt[:p.keep]...)
	q.slot, q.pos, q.cached, q.started = p.slot, p.keep, p.keep, time.Now()
	s.load.QueuedTokens -= p.keep
	s.load.PromptTokens += uint64(len(q.prompt))
	s.load.CachedTokens += uint64(p.keep)
	return true
}

// addPrompt puts the next chunk of a prompt into the batch and returns its size.
func (s *scheduler) addPrompt(q *sequence, room int) int {
	if len(q.chunks) > 0 {
		room, q.chunks = min(room, q.chunks[0]), q.chunks[1:]
	}
	n := chunkSize(q.left(), room, s.rules.MinChunk)
	for i := range n {
		at := q.pos + i
		last := at == len(q.prompt)-1
		s.rows = append(s.rows, native.Token{ID: q.prompt[at], Pos: at, Slot: q.slot, Logits: last || q.scored()})
	}
	return n
}

// prompted books n prompt tokens of q that the batch held from row first on.
func (s *scheduler) prompted(q *sequence, first, n int) error {
	sl := &s.slots[q.slot]
	sl.tokens = append(sl.tokens, q.prompt[q.pos:q.pos+n]...)
	if n >= s.rules.MinChunk {
		sl.reusable = len(sl.tokens)
	}
	if q.req.Echo {
		if err := s.echo(q, first, n); err != nil {
			return err
		}
	}
	q.pos += n
	s.load.QueuedTokens -= n
	if q.left() > 0 {
		return nil
	}
	q.prefilled = time.Now()
	s.prefilling = slices.DeleteFunc(s.prefilling, func(o *sequence) bool { return o == q })
	s.picks = append(s.picks, pick{q: q, row: first + n - 1})
	return nil
}

// start takes a sequence with its first token into the decode steps, in order of slots.
func (s *scheduler) start(q *sequence) {
	i, _ := slices.BinarySearchFunc(s.decoding, q.slot, func(o *sequence, slot int) int { return o.slot - slot })
	s.decoding = slices.Insert(s.decoding, i, q)
}

// finishOf says whether the token that was just accepted ends q.
func (q *sequence) finishOf(id int32, stopped, eog bool) engine.FinishReason {
	switch {
	case stopped, eog && !q.req.IgnoreEOS:
		return engine.FinishStop
	case q.generated >= q.limit:
		return engine.FinishLength
	default:
		return engine.FinishNone
	}
}
