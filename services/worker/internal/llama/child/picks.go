package child

import (
	"slices"
	"sync"

	"github.com/leathq/leat/services/worker/internal/engine"
	"github.com/leathq/leat/services/worker/internal/llama/sample"
	"github.com/leathq/leat/services/worker/internal/llama/wire"
)

// pick is a row of the batch from which a sequence's next token is sampled.
type pick struct {
	q      *sequence
	row    int
	decode bool // the row was a decode step, not the end of a prompt
	logits []float32
	id     int32
	lp     *engine.TokenLogprob
	err    error // no token fits the grammar
}

// pickAll samples the next token of every sequence in the batch and books it. Sampling that needs the whole vocabulary
// runs on all CPUs: the compute threads are idle meanwhile.
func (s *scheduler) pickAll() error {
	heavy := 0
	for i := range s.picks {
		p := &s.picks[i]
		var err error
		if p.logits, err = s.m.Logits(p.row); err != nil {
			return err
		}
		if p.q.probe != nil {
			p.q.probe(p.logits)
		}
		if p.q.req.Logprobs || p.q.grammar != nil || !p.q.sampler.Greedy() {
			heavy++
		}
	}
	s.spread(len(s.picks), heavy > 1, func(i int) { s.choose(&s.picks[i]) })
	for i := range s.picks {
		s.book(&s.picks[i])
	}
	return nil
}

// spread runs f for 0..n−1, on all CPUs where that is worth it.
func (s *scheduler) spread(n int, wide bool, f func(int)) {
	if !wide || s.cpus < 2 {
		for i := range n {
			f(i)
		}
		return
	}
	var wg sync.WaitGroup
	workers := min(s.cpus, n)
	for w := range workers {
		wg.Go(func() {
			for i := w; i < n; i += workers {
				f(i)
			}
		})
	}
	wg.Wait()
}

// choose samples one token. It touches nothing but its pick and the sequence's sampler.
func (s *scheduler) choose(p *pick) {
	q := p.q
	if !q.req.Logprobs {
		p.id, p.err = q.sample(p.logits)
		return
	}
	m, logSum := sample.LogSumExp(p.logits)
	top := s.alternatives(p.logits, q.req.TopLogprob, m, logSum)
	before := p.logits
	if !q.sampler.Greedy() { // Pick may change the row; a grammar changes only what is not picked
		before = slices.Clone(p.logits)
	}
	p.id, p.err = q.sample(p.logits)
	p.lp = &engine.TokenLogprob{ID: p.id, Text: s.m.Piece(p.id, true), Logprob: float64(before[p.id]) - m - logSum, Top: top}
}

// sample picks the next token, among those that the grammar allows.
func (q *sequence) sample(row []float32) (int32, error) {
	if q.grammar == nil {
		return q.sampler.Pick(row), nil
	}
	return q.sampler.PickAllowed(row, q.grammar)
}

func (s *scheduler) alternatives(row []float32, n int, m, logSum float64) []engine.TopLogprob {
	if n == 0 {
		return nil
	}
	top := make([]engine.TopLogprob, 0, n)
	for _, c := range sample.Top(row, n) {
		top = append(top, engine.TopLogprob{ID: c.ID, Text: s.m.Piece(c.ID, true), Logprob: c.X - m - logSum})
	}
	return top
}

// book records a sampled token: KV bookkeeping, text, and the end of the sequence.
func (s *scheduler) book(p *pick) {
	q := p.q
	if p.decode {
		sl := &s.slots[q.slot]
		sl.tokens = append(sl.tokens, q.pending)
		if s.rules.ReuseOutput {
			sl.reusable = len(sl.tokens)
		}
		q.pos++
	}
	if p.err != nil {
		s.fail(q, p.err)
		return
	}
	q.pending = p.id
	q.generated++
	s.load.OutputTokens++
	q.sampler.Accept(p.id)
	eog := s.m.EOG(p.id)
	stopped := q.out.Push(p.id, s.m.Piece(p.id, false), p.lp)
	if q.grammar != nil {
		q.grammar.accept(p.id)
		stopped = stopped || q.grammar.complete()
	}
	if why := q.finishOf(p.id, stopped, eog); why != engine.FinishNone {
		s.finish(q, why)
		s.decoding = slices.DeleteFunc(s.decoding, func(o *sequence) bool { return o == q })
		return
	}
	s.take(q)
	if !p.decode {
		s.start(q)
	}
}

// echo emits n prompt tokens of q, with their log-probabilities where they are asked for: the row of position i scores
// the token at i+1.
func (s *scheduler) echo(q *sequence, first, n int) error {
	lps := make([]engine.TokenLogprob, n)
	for i := range lps {
		id := q.prompt[q.pos+i]
		lps[i] = engine.TokenLogprob{ID: id, Text: s.m.Piece(id, true), Null: true}
	}
	if q.scored() {
		if err := s.score(q, first, n, lps); err != nil {
			return err
		}
	}
	for part := range slices.Chunk(lps, echoBatch) {
		s.event(wire.Event{ID: q.id, Delta: &engine.Delta{Prompt: part}})
	}
	return nil
}

func (s *scheduler) score(q *sequence, first, n int, lps []engine.TokenLogprob) error {
	// lps[0] was scored by the last row of the chunk before; that row's scores wait in q.echoed.
	if len(q.echoed) == 1 {
		lps[0].Logprob, lps[0].Top, lps[0].Null = q.echoed[0].Logprob, q.echoed[0].Top, false
	}
	q.echoed = q.echoed[:0]
	rows := make([][]float32, 0, n)
	for i := range n {
		if q.pos+i+1 >= len(q.prompt) {
			break
		}
		row, err := s.m.Logits(first + i)
		if err != nil {
			return err
		}
		rows = append(rows, row)
	}
	scores := make([]engine.TokenLogprob, len(rows))
	s.spread(len(rows), len(rows) > 1, func(i int) {
		m, logSum := sample.LogSumExp(rows[i])
		id := q.prompt[q.pos+i+1]
		scores[i] = engine.TokenLogprob{Logprob: float64(rows[i][id]) - m - logSum, Top: s.alternatives(rows[i], q.req.TopLogprob, m, logSum)}
	})
	for i, sc := range scores {
		if i+1 < n {
			lps[i+1].Logprob, lps[i+1].Top, lps[i+1].Null = sc.Logprob, sc.Top, false
		} else {
			q.echoed = append(q.echoed, sc)
		}
	}
	return nil
}
