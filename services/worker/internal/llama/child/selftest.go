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

// The texts that the self-test runs; what they say does not matter.
const (
	textA = "The harbour lay still under a thin grey fog when the first of the three boats came home."
	textB = "Seven is a prime number, and so are eleven and"
	textC = "def area(width, height):\n    return"
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
	want   [][]float32 // rows of logits that must come out, bit for bit
}

// selfTest runs a few prompts through the scheduler alone, chunked, scored, cached, beside others and after generated
// text, and compares every row of logits bit for bit. It returns what differed, or nothing. Under the exact schedule
// this proves for the model, library and CPU at hand what the schedule is for; it is a test by example, not a proof
// for every length.
func (s *scheduler) selfTest() (note string, err error) {
	defer func() { s.forget(); s.load = wire.Load{} }()
	a, errA := s.m.Tokenize(textA, false, false)
	b, errB := s.m.Tokenize(textB, false, false)
	c, errC := s.m.Tokenize(textC, false, false)
	if errA != nil || errB != nil || errC != nil || len(a) < 8 || len(b) < 4 || len(c) < 2 {
		return "self-test: the tokeniser cannot read its texts", nil
	}
	refA, outA, err := s.try(trial{prompt: a, output: 4, cold: true})
	if err != nil {
		return "", err
	}
	refB, _, err := s.try(trial{prompt: b, output: 3})
	if err != nil {
		return "", err
	}
	grown := slices.Concat(a, outA, b[:4])
	refGrown, _, err := s.try(trial{prompt: grown, output: 1, cold: true})
	if err != nil {
		return "", err
	}
	var notes []string
	for _, t := range []trial{
		{name: "prompt in chunks", prompt: a, output: 2, chunks: []int{5, 2}, cold: true, want: refA},
		{name: "prompt scored at every position", prompt: a, output: 1, echo: true, want: refA},
		{name: "prefix from the cache, beside others", prompt: a, output: 4, others: [][]int32{b, c}, want: refA},
		{name: "prompt while others decode", prompt: b, output: 3, others: [][]int32{c, a}, cold: true, want: refB},
		{name: "prompt that repeats generated text", prompt: grown, output: 1, want: refGrown},
	} {
		got, _, err := s.try(t)
		if err != nil {
			return "", err
		}
		if d := compare(t.want[:t.output], got); d != "" {
			notes = append(notes, t.name+": "+d)
		}
	}
	return strings.Join(notes, "; "), nil
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
		if _, err := s.enqueue(p, 8+i, nil, false); err != nil {
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
