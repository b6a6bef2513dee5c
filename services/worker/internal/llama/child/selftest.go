package child

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/leathq/leat/services/worker/internal/engine"
	"github.com/leathq/leat/services/worker/internal/llama/native"
	"github.com/leathq/leat/services/worker/internal/llama/wire"
)

// The texts that the self-test runs; what they say does not matter. A kernel that sums in another order shows in a few
// percent of the tokens only, because activations are quantised before every product; so a trial makes many small
// calls, and one run is long enough (64 rows) for the tiled kernels.
const (
	textLong = "The harbour lay still under a thin grey fog when the first of the three boats came home. Nobody had slept, and the " +
		"kettle on the stove had boiled dry twice before the bell rang out over the water and the whole village went down to " +
		"the pier to count the lamps. There were eleven, then nine, then a long dark gap, and after it two more, close together."
	textMid   = "Seven is a prime number, and so are eleven and thirteen; fifteen is not, since it is three times five."
	textShort = "def area(width, height):\n    return"

	tokensLong, tokensMid, tokensAnswer = 66, 12, 12
)

// trial is one way of running the same prompt.
type trial struct {
	name   string
	prompt []int32
	output int
	chunks []int // sizes of the first prefill calls
	echo   bool
	cold   bool // forget every cached prefix first
	others [][]int32
}

// prove is the self-test: it compares rows of logits of the same prompt bit for bit, once alone in one call, once with
// everything that the scheduler may do to it at the same time. It returns what differed, or nothing. Under the exact
// schedule this proves for the model, library and CPU at hand what the schedule is for; it is a test by example, not a
// proof for every length.
func (s *scheduler) prove() (note string, err error) {
	defer func() { s.forget(); s.load = wire.Load{} }()
	text, errL := s.m.Tokenize(textLong, false, false)
	mid, errM := s.m.Tokenize(textMid, false, false)
	short, errS := s.m.Tokenize(textShort, false, false)
	if errL != nil || errM != nil || errS != nil || len(text) < 32 || len(mid) < 4 || len(short) < 4 {
		return "self-test: the tokeniser cannot read its texts", nil
	}
	mid = mid[:min(len(mid), tokensMid)]
	st := &selfTest{s: s}
	s.rules.ReuseOutput = s.rules.ReuseOutput || s.rules.Learn
	s.favour(2)
	refMid, answer := st.run(trial{prompt: mid, output: tokensAnswer})
	// The next turn of that conversation, most of its prompt in one call and the end in the smallest calls: there, with
	// many keys before them, rows show in which order they are summed.
	long := slices.Concat(mid, answer, text)
	long = long[:min(len(long), tokensLong)]
	cached := len(mid)
	if s.rules.ReuseOutput {
		cached += len(answer)
	}
	others := [][]int32{short, short[1:]}
	busy := trial{name: "prompt in small chunks behind a cached head, beside others", prompt: long, output: 3, chunks: ending(len(long) - cached), others: others}
	got, _ := st.runBusy(busy)
	refLong, _ := st.run(trial{prompt: long, output: 3, cold: true})
	if d := compare(refLong, got); d != "" && s.rules.Learn {
		// Entries of generated tokens may be what differs, or chunks of a single token: neither is needed.
		s.rules.ReuseOutput = false
		st.check(trial{name: "prompt from the cache, beside others", prompt: long, output: 3, others: others}, refLong)
		st.check(trial{name: "prompt in small chunks, beside others", prompt: long, output: 3, chunks: ending(len(long)), others: others, cold: true}, refLong)
	} else {
		st.compare(busy.name, refLong, got)
	}
	st.check(trial{name: "prompt scored at every position", prompt: mid, output: 1, echo: true}, refMid)
	return strings.Join(st.notes, "; "), st.err
}

// favour makes slot i, or the last one, the next to be taken. The prompt under test then lies behind its company: of a
// call that several sequences share, a split cache computes neighbouring slots together, in rising order.
func (s *scheduler) favour(i int) {
	s.forget()
	for k := range s.slots {
		s.slots[k].used = 1
	}
	s.clock, s.slots[min(i, len(s.slots)-1)].used = 1, 0
}

// selfTest collects what differs; after the first failure of the engine itself nothing more runs.
type selfTest struct {
	s     *scheduler
	notes []string
	err   error
}

func (st *selfTest) run(t trial) (rows [][]float32, out []int32) {
	if st.err == nil {
		rows, out, st.err = st.s.try(t)
	}
	return rows, out
}

// runBusy runs t, in calls of a single token too where it is to be learnt whether they make a difference.
func (st *selfTest) runBusy(t trial) (rows [][]float32, out []int32) {
	least := st.s.rules.MinChunk
	if st.s.rules.Learn {
		st.s.rules.MinChunk = 1
	}
	defer func() { st.s.rules.MinChunk = least }()
	return st.run(t)
}

// check runs t and compares its rows with the head of want.
func (st *selfTest) check(t trial, want [][]float32) {
	got, _ := st.run(t)
	if st.err == nil {
		st.compare(t.name, want[:t.output], got)
	}
}

func (st *selfTest) compare(name string, want, got [][]float32) {
	if d := compare(want, got); d != "" && st.err == nil {
		st.notes = append(st.notes, name+": "+d)
	}
}

// ending asks for the last 18 of n prompt tokens in the smallest chunks that the schedule allows, some of them a little
// larger, and for what is before in one.
func ending(n int) []int {
	small := []int{1, 1, 2, 1, 1, 3, 1, 1, 2, 1, 1, 1, 2}
	return append([]int{max(n-18, 2)}, small...)
}

// try runs a trial to its end and returns the rows of logits from which its prompt's sequence was sampled, and the
// generated tokens that were fed back.
func (s *scheduler) try(t trial) (rows [][]float32, out []int32, err error) {
	if t.cold {
		s.forget()
	}
	emit := s.emit
	s.emit = func(*wire.Step) {}
	defer func() { s.emit = emit }()
	others := t.others[:min(len(t.others), len(s.slots)-1)]
	for i, p := range others {
		if _, err := s.enqueue(p, 48+i, nil, false); err != nil {
			return nil, nil, err
		}
	}
	for range others { // let them begin to decode
		if _, err := s.testTurn(); err != nil {
			return nil, nil, err
		}
	}
	q, err := s.enqueue(t.prompt, t.output, t.chunks, t.echo)
	if err != nil {
		return nil, nil, err
	}
	q.probe = func(row []float32) { rows = append(rows, slices.Clone(row)) }
	for more := true; more && err == nil; {
		if more, err = s.testTurn(); q.generated == t.output {
			break
		}
	}
	if q.slot >= 0 {
		out = slices.Clone(s.slots[q.slot].tokens[len(q.prompt):])
	}
	s.abandon()
	return rows, out, err
}

// testTurn is a turn of the self-test; where others run meanwhile, they get one before.
func (s *scheduler) testTurn() (bool, error) {
	if s.between != nil {
		if err := s.between(); err != nil {
			return false, err
		}
	}
	return s.turn()
}

func (s *scheduler) enqueue(prompt []int32, output int, chunks []int, echo bool) (*sequence, error) {
	zero := 0.0
	q, err := newSequence(0, &engine.Request{Prompt: engine.Prompt{Tokens: prompt}, Sampling: engine.Sampling{Temperature: &zero},
		MaxTokens: output, IgnoreEOS: true, Echo: echo, Logprobs: echo}, s.m, s.gs)
	if err != nil {
		return nil, fmt.Errorf("self-test: %w", err)
	}
	q.chunks = chunks
	s.submit(q)
	return q, nil
}

// abandon drops every sequence; forget also drops the cached prefixes.
func (s *scheduler) abandon() {
	s.drain()
	s.waiting, s.prefilling, s.decoding = nil, nil, nil
	for i := range s.slots {
		s.slots[i].seq = nil
	}
	s.step = wire.Step{}
}

func (s *scheduler) forget() {
	for i := range s.slots {
		s.m.Trim(i, 0)
		s.slots[i] = slot{}
	}
}

// compare tells how many rows differ in any bit, and by how much at most.
func compare(want, got [][]float32) string {
	if len(want) != len(got) {
		return fmt.Sprintf("%d rows instead of %d", len(got), len(want))
	}
	bad, worst := 0, 0.0
	for i := range want {
		same := true
		for j, x := range want[i] {
			if math.Float32bits(x) != math.Float32bits(got[i][j]) {
				same = false
				worst = max(worst, math.Abs(float64(x)-float64(got[i][j])))
			}
		}
		if !same {
			bad++
		}
	}
	if bad == 0 {
		return ""
	}
	return fmt.Sprintf("%d of %d rows of logits differ, by up to %.2g", bad, len(want), worst)
}

// warm runs a few tokens so that the first request does not pay for page faults.
func (s *scheduler) warm() error {
	rows := []native.Token{{ID: 0, Pos: 0}, {ID: 0, Pos: 1, Logits: true}}
	err := s.m.Decode(rows)
	s.forget()
	return err
}
