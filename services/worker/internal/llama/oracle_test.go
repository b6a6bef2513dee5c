package llama_test

import (
	"math"
	"runtime"
	"slices"
	"sync"
	"testing"

	"github.com/leathq/leat/services/worker/internal/engine"
	"github.com/leathq/leat/services/worker/internal/llama/native"
	"github.com/leathq/leat/services/worker/internal/llama/sample"
)

// oracle computes sequences directly: one at a time, alone, the whole prompt in one call, nothing cached. It shares
// the native calls with the engine, not the scheduler.
type oracle struct {
	t testing.TB
	m *native.Model
}

var quiet sync.Once

// newOracle loads the model into this process. The test's goroutine stays on its OS thread.
func newOracle(t testing.TB, threads int) *oracle {
	t.Helper()
	runtime.LockOSThread()
	lib, err := native.OpenLibrary(libDir(t))
	if err != nil {
		t.Fatal(err)
	}
	quiet.Do(lib.Quiet) // llama.cpp's chatter does not belong into a test's output
	m, err := lib.Load(native.Params{Path: modelPath(t), Threads: threads, Slots: 1, Context: 768, Batch: 768, Flash: true, RowAttention: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Close)
	return &oracle{t: t, m: m}
}

func (o *oracle) tokens(text string) []int32 {
	ids, err := o.m.Tokenize(text, false, false)
	if err != nil {
		o.t.Fatal(err)
	}
	return ids
}

// logprob is log-softmax in float64, written out once more, apart from the engine's.
func logprob(row []float32, id int32) float64 {
	biggest := row[0]
	for _, x := range row {
		biggest = max(biggest, x)
	}
	sum := 0.0
	for _, x := range row {
		sum += math.Exp(float64(x) - float64(biggest))
	}
	return float64(row[id]) - float64(biggest) - math.Log(sum)
}

func (o *oracle) decode(rows []native.Token) {
	if err := o.m.Decode(rows); err != nil {
		o.t.Fatal(err)
	}
}

func (o *oracle) row(i int) []float32 {
	row, err := o.m.Logits(i)
	if err != nil {
		o.t.Fatal(err)
	}
	return slices.Clone(row)
}

// run generates n tokens from prompt; scored also returns the log-probability of every prompt token but the first.
func (o *oracle) run(prompt []int32, s engine.Sampling, n int, scored bool) (ids []int32, lps, scores []float64) {
	p, err := sample.NewParams(&s, o.m.Size())
	if err != nil {
		o.t.Fatal(err)
	}
	sampler := sample.New(p, prompt)
	o.m.Trim(0, 0)
	var rows []native.Token
	for i, id := range prompt {
		rows = append(rows, native.Token{ID: id, Pos: i, Logits: scored || i == len(prompt)-1})
	}
	o.decode(rows)
	for i := 0; scored && i+1 < len(prompt); i++ {
		scores = append(scores, logprob(o.row(i), prompt[i+1]))
	}
	row := o.row(len(prompt) - 1)
	for {
		id := sampler.Pick(slices.Clone(row))
		sampler.Accept(id)
		ids, lps = append(ids, id), append(lps, logprob(row, id))
		if len(ids) == n || o.m.EOG(id) {
			return ids, lps, scores
		}
		o.decode([]native.Token{{ID: id, Pos: len(prompt) + len(ids) - 1, Logits: true}})
		row = o.row(0)
	}
}
