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
// percent of the tokens only, because activations are quantised before every product; so the trials make many small
// calls, and one that is long enough (64 rows) for the tiled kernels.
const (
	textLong = "The harbour lay still under a thin grey fog when the first of the three boats came home. Nobody had slept, and the " +
		"kettle on the stove had boiled dry twice before the bell rang out over the water and the whole village went down to " +
		"the pier to count the lamps. There were eleven, then nine, then a long dark gap, and after it two more, close together."
	textMid = "Seven is a prime number, and so are eleven and thirteen; fifteen is not, since it is three times five, and twenty-one " +
		"is seven times three."
	textShort = "def area(width, height):\n    return"

	tokensLong, tokensMid = 66, 22
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

// prove is the self-test: it runs a few prompts through the scheduler alone, chunked, scored, cached, beside others and after generated
// text, and compares every row of logits bit for bit. It returns what differed, or nothing. Under the exact schedule
// this proves for the model, library and CPU at hand what the schedule is for; it is a test by example, not a proof
// for every length.
func (s *scheduler) prove() (note string, err error) {
	defer func() { s.forget(); s.load = wire.Load{} }()
	long, errL := s.m.Tokenize(textLong, false, false)
	mid, errM := s.m.Tokenize(textMid, false, false)
	short, errS := s.m.Tokenize(textShort, false, false)
	if errL != nil || errM != nil || errS != nil || len(long) < 8 || len(mid) < 8 || len(short) < 4 {
		return "self-test: the tokeniser cannot read its texts", nil
	}
	long, mid = long[:min(len(long), tokensLong)], mid[:min(len(mid), tokensMid)]
	st := &selfTest{s: s}
	s.rules.ReuseOutput = s.rules.ReuseOutput || s.rules.Learn
	refMid, out := st.run(trial{prompt: mid, output: 12, cold: true})
	refLong, _ := st.run(trial{prompt: long, output: 3})
	st.check(trial{name: "prefix from the cache, beside others", prompt: long, output: 3, others: [][]int32{mid, short}}, refLong)
	grown := slices.Concat(mid, out, short[:4])
	gotGrown, _ := st.run(trial{prompt: grown, output: 1})
	refGrown, _ := st.run(trial{prompt: grown, output: 1, cold: true})
	if !s.rules.Learn {
		st.compare("prompt that repeats generated text", refGrown, gotGrown)
	}
	st.check(trial{name: "prompt scored at every position", prompt: mid, output: 1, echo: true}, refMid)
	small := trial{name: "prompt in small chunks", prompt: long, output: 1, chunks: tail(long, 18), cold: true}
	if s.rules.Learn {
		st.learn(small, refLong, compare(refGrown, gotGrown) == "")
	}
	if !s.rules.Learn || !s.rules.ReuseOutput {
		st.check(small, refLong)
	}
	st.check(trial{name: "prompt while others decode", prompt: mid, output: 4, chunks: tail(mid, 16), others: [][]int32{short}, cold: true}, refMid)
	return strings.Join(st.notes, "; "), st.err
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

// learn keeps ReuseOutput where a prompt that repeats generated text came out the same with the generated part from the
// cache, and t in calls of a single token does too: then a row's bits do not depend on the rows beside it.
func (st *selfTest) learn(t trial, want [][]float32, grown bool) {
	least := st.s.rules.MinChunk
	st.s.rules.MinChunk = 1
	got, _ := st.run(t)
	st.s.rules.MinChunk = least
	st.s.rules.ReuseOutput = grown && st.err == nil && compare(want[:t.output], got) == ""
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

// tail asks for the last n tokens of a prompt in the smallest chunks that the schedule allows, and for what is before in
// one: with few keys before them, rows hardly show in which order they are summed.
func tail(prompt []int32, n int) []int {
	n = min(n, len(prompt)-2)
	chunks := make([]int, n+1)
	chunks[0] = len(prompt) - n
	for i := range n {
		chunks[i+1] = 1
	}
	return chunks
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
	for i, p := range t.others {
		if _, err := s.enqueue(p, 32+i, nil, false); err != nil {
			return nil, nil, err
		}
	}
	for range t.others { // let them begin to decode
		if _, err := s.turn(); err != nil {
			return nil, nil, err
		}
	}
	q, err := s.enqueue(t.prompt, t.output, t.chunks, t.echo)
	if err != nil {
		return nil, nil, err
	}
	q.probe = func(row []float32) { rows = append(rows, slices.Clone(row)) }
	for more := true; more && err == nil; {
		if more, err = s.turn(); q.generated == t.output {
			break
		}
	}
	if q.slot >= 0 {
		out = slices.Clone(s.slots[q.slot].tokens[len(q.prompt):])
	}
	s.abandon()
	return rows, out, err
}

func (s *scheduler) enqueue(prompt []int32, output int, chunks []int, echo bool) (*sequence, error) {
	zero := 0.0
	q, err := newSequence(0, &engine.Request{Prompt: engine.Prompt{Tokens: prompt}, Sampling: engine.Sampling{Temperature: &zero},
		MaxTokens: output, IgnoreEOS: true, Echo: echo, Logprobs: echo}, s.m)
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
