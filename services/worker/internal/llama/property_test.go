package llama_test

import (
	"context"
	"fmt"
	"math"
	"math/bits"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"

	"github.com/leathq/leat/services/worker/internal/engine"
	"github.com/leathq/leat/services/worker/internal/llama"
)

// prose is what the tests cut their prompts from.
const prose = `The harbour lay still under a thin grey fog when the first of the three boats came home. Nobody had slept, and the kettle on the stove had boiled dry twice before the bell rang out. "Count the lamps," said the old woman, and the children ran down the steps to the pier with their coats over their nightshirts. There were eleven, then nine, then a long dark gap, and after it two more, close together. A computer program is a sequence of instructions, and the order in which they are carried out matters: x = 3 * (y + 1) is not the same as x = 3 * y + 1. In 1969 two people walked on the moon for the first time; naïve as it sounds, the café in Zürich where they ate later kept their chairs for forty-two years. Water boils at 100 degrees Celsius at sea level, and at a lower temperature in the mountains. What is the capital of Japan? It is Tokyo, a city of rivers and railways.`

// specimen is a sequence whose tokens and log-probabilities are known.
type specimen struct {
	prompt []int32
	s      engine.Sampling
	n      int
	ids    []int32
	lps    []float64
}

// longOnes is how many specimens are long enough for kernels that take many rows or keys.
const longOnes = 2

// specimens draws sequences of which many share prefixes, and computes them directly.
func specimens(o *oracle, rng *rand.Rand, n int) []specimen {
	text := o.tokens(prose)
	var sp []specimen
	for i := range n {
		x := specimen{n: 2 + rng.IntN(3)}
		switch kind := rng.IntN(4); {
		case i == 0:
		case kind == 0: // the next turn of an earlier sequence, its answer included
			old := sp[rng.IntN(i)]
			x.prompt = slices.Concat(old.prompt[:min(len(old.prompt), 40)], old.ids)
		case kind == 1 || kind == 2: // share a part of an earlier prompt
			old := sp[rng.IntN(i)].prompt
			x.prompt = slices.Clone(old[:1+rng.IntN(min(len(old), 32))])
		}
		from := rng.IntN(len(text) - 40)
		x.prompt = append(x.prompt, text[from:from+1+rng.IntN(12)]...)
		zero, warm, seed := 0.0, 0.8, int64(rng.Uint64()>>1)
		if x.s.Temperature = &zero; rng.IntN(2) == 0 {
			x.s.Temperature, x.s.Seed = &warm, &seed
		}
		sp = append(sp, x)
		o.fill(&sp[i])
	}
	// Long ones, where kernels for many rows and many keys would come in; they share 520 tokens.
	long := slices.Concat(text, text, text)[:520]
	for i := range longOnes {
		x := specimen{n: 4, prompt: slices.Concat(long, text[i:i+70*i+10])}
		x.s.Temperature = new(float64)
		o.fill(&x)
		sp = append(sp, x)
	}
	return sp
}

func (o *oracle) fill(x *specimen) {
	x.ids, x.lps, _ = o.run(x.prompt, x.s, x.n, false)
}

func envInt(name string, d int) int {
	if n, err := strconv.Atoi(os.Getenv(name)); err == nil {
		return n
	}
	return d
}

// TestSequencesDependOnNothingButThemselves is the property that the exact schedule promises: whatever company,
// chunk size, cached prefix, number of threads, joining and leaving, 0 bits differ from the sequence computed alone.
func TestSequencesDependOnNothingButThemselves(t *testing.T) {
	seed := uint64(envInt("LEAT_TEST_SEED", 1))
	total := envInt("LEAT_TEST_SEQUENCES", 210)
	rng := rand.New(rand.NewPCG(seed, 7))
	sp := specimens(newOracle(t, 1), rng, max(total/5, 4))
	compared, differ := 0, 0
	// More threads than free cores are many times slower, so few sequences run on two.
	shapes := []struct{ threads, slots, chunk, context, clients, percent, long int }{
		{1, 6, 128, 768, 6, 50, 2}, {1, 3, 7, 640, 5, 47, 1}, {2, 4, 16, 256, 6, 3, 0},
	}
	for _, sh := range shapes {
		t.Run(fmt.Sprintf("%+v", sh), func(t *testing.T) {
			e := start(t, func(c *llama.Config) {
				c.Threads, c.Slots, c.Chunk, c.Context = sh.threads, sh.slots, sh.chunk, sh.context
			}, llama.Deps{})
			if info := e.Info(); !info.Exact {
				t.Fatalf("not exact: %s", info.ExactNote)
			}
			n := max(total*sh.percent/100, 1)
			got := crowd(t, e, sp, rng, n, sh.clients, sh.long)
			t.Logf("%d sequences, %d tokens, %d differing bits; %d prompt tokens from the cache", got.sequences, got.tokens, got.bits, got.cached)
			if n >= 20 && got.cached == 0 {
				t.Error("no prefix was taken from the cache: the test shows nothing about it")
			}
			compared, differ = compared+got.sequences, differ+got.bits
		})
	}
	t.Logf("%d sequences compared with themselves computed alone: %d differing bits in tokens and log-probabilities", compared, differ)
	if total >= 200 && compared < 200 {
		t.Errorf("only %d sequences were compared, want at least 200", compared)
	}
}

// tally is what a crowd showed.
type tally struct{ sequences, tokens, bits, cached int }

// crowd runs n random specimens, the first of them long, from several clients at once, of which some leave early, and
// compares every bit.
func crowd(t *testing.T, e *llama.Engine, sp []specimen, rng *rand.Rand, n, clients, long int) (got tally) {
	work := make(chan specimen)
	var mu sync.Mutex
	var wg sync.WaitGroup
	for range clients {
		wg.Go(func() {
			for x := range work {
				mu.Lock()
				quits := rng.IntN(5) == 0
				mu.Unlock()
				if quits && len(x.prompt) < 100 {
					leaveEarly(t, e, x)
				}
				d := generate(t, e, engine.Request{Prompt: engine.Prompt{Tokens: x.prompt}, Sampling: x.s, MaxTokens: x.n, Logprobs: true, TopLogprob: 2})
				wrong := x.differs(t, d)
				mu.Lock()
				got.sequences, got.tokens, got.bits, got.cached = got.sequences+1, got.tokens+len(d.Tokens), got.bits+wrong, got.cached+d.Usage.CacheRead
				mu.Unlock()
			}
		})
	}
	short := len(sp) - longOnes
	for i := range n {
		mu.Lock()
		x := sp[rng.IntN(short)]
		mu.Unlock()
		if i < long {
			x = sp[short+i]
		}
		work <- x
	}
	close(work)
	wg.Wait()
	return got
}

// leaveEarly starts a sequence and cancels it at its first token.
func leaveEarly(t *testing.T, e *llama.Engine, x specimen) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	s := &sink{onDelta: func(engine.Delta) { cancel() }}
	req := engine.Request{Prompt: engine.Prompt{Tokens: x.prompt}, Sampling: x.s, MaxTokens: 40, IgnoreEOS: true}
	if err := e.Generate(ctx, &req, s); err == nil {
		t.Error("a cancelled sequence ended well")
	}
}

// differs counts the bits of tokens and log-probabilities that are not as computed alone, and tells where they are.
func (x *specimen) differs(t *testing.T, d engine.Delta) (n int) {
	t.Helper()
	if len(d.Tokens) != len(x.ids) || len(d.Logprobs) != len(x.lps) {
		t.Errorf("prompt of %d tokens (%d cached): tokens %v, alone %v", len(x.prompt), d.Usage.CacheRead, d.Tokens, x.ids)
		return 32 * max(len(d.Tokens), len(x.ids))
	}
	for i, lp := range d.Logprobs {
		n += bits.OnesCount32(uint32(d.Tokens[i]^x.ids[i])) + bits.OnesCount64(math.Float64bits(lp.Logprob)^math.Float64bits(x.lps[i]))
	}
	if n > 0 {
		t.Errorf("prompt of %d tokens (%d cached): tokens %v, alone %v; %d bits differ", len(x.prompt), d.Usage.CacheRead, d.Tokens, x.ids, n)
	}
	return n
}

// TestEchoedLogprobsEqualADirectComputation checks what lm-evaluation-harness reads, alone and under load.
func TestEchoedLogprobsEqualADirectComputation(t *testing.T) {
	o := newOracle(t, 1)
	text := o.tokens(prose)
	e := start(t, func(c *llama.Config) { c.Chunk = 48 }, llama.Deps{})
	ctx, stopLoad := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	load := func(i int) {
		for ctx.Err() == nil {
			_ = e.Generate(ctx, &engine.Request{Prompt: engine.Prompt{Tokens: text[i : i+20]}, Sampling: greedy(), MaxTokens: 30, IgnoreEOS: true}, &sink{})
		}
	}
	for round, name := range []string{"alone", "under load"} {
		if round == 1 {
			for i := range 3 {
				wg.Go(func() { load(i) })
			}
		}
		for _, n := range []int{1, 2, 49, 97, 120} {
			prompt := text[:n]
			ids, lps, scores := o.run(prompt, greedy(), 1, true)
			d := generate(t, e, engine.Request{Prompt: engine.Prompt{Tokens: prompt}, Sampling: greedy(), MaxTokens: 1, Echo: true, Logprobs: true, TopLogprob: 1})
			if len(d.Prompt) != n || !d.Prompt[0].Null || d.Usage.CacheRead != 0 {
				t.Fatalf("%s: %d echoed tokens of %d, the first null: %v, %d cached", name, len(d.Prompt), n, d.Prompt[0].Null, d.Usage.CacheRead)
			}
			for i, want := range scores {
				if got := d.Prompt[i+1]; got.ID != prompt[i+1] || math.Float64bits(got.Logprob) != math.Float64bits(want) || len(got.Top) != 1 || got.Null {
					t.Fatalf("%s: prompt of %d tokens, position %d: %+v, want %v", name, n, i+1, got, want)
				}
			}
			if d.Tokens[0] != ids[0] || math.Float64bits(d.Logprobs[0].Logprob) != math.Float64bits(lps[0]) {
				t.Fatalf("%s: generated %v, want token %d with %v", name, d.Logprobs, ids[0], lps[0])
			}
		}
	}
	stopLoad()
	wg.Wait()
}
