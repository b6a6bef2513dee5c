package llama_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/bits"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/leathq/leat/pkg/gbnf"
	"github.com/leathq/leat/services/worker/internal/engine"
	"github.com/leathq/leat/services/worker/internal/llama"
)

// personGrammar is what a JSON schema with a string, an integer and a list of strings comes to.
const personGrammar = `
root   ::= "{" ws "\"name\"" ws ":" ws string "," ws "\"age\"" ws ":" ws integer "," ws "\"likes\"" ws ":" ws list "}"
list   ::= "[" ws (string ("," ws string){0,3})? "]" ws
string ::= "\"" char{0,12} "\"" ws
char   ::= [^"\\\x7F\x00-\x1F] | "\\" (["\\/bfnrt] | "u" [0-9a-fA-F]{4})
integer ::= "-"? ("0" | [1-9] [0-9]{0,5}) ws
ws     ::= " "?
`

func asked(text, grammar string, n int) engine.Request {
	return engine.Request{Prompt: engine.Prompt{Text: "<|im_start|>user\n" + text + "<|im_end|>\n<|im_start|>assistant\n", ParseSpecial: true},
		Sampling: greedy(), MaxTokens: n, Grammar: grammar}
}

func TestGrammars(t *testing.T) {
	e := start(t, func(c *llama.Config) { c.Context = 384 }, llama.Deps{})
	t.Run("every whole answer is valid, every cut one says so", func(t *testing.T) { validJSON(t, e) })
	t.Run("only the end is possible", func(t *testing.T) {
		d := generate(t, e, asked("Is the sky blue?", `root ::= "Maybe" | "Perhaps"`, 50))
		if d.Text != "Maybe" && d.Text != "Perhaps" || d.Finish != engine.FinishStop {
			t.Errorf("%q, %s", d.Text, d.Finish)
		}
		if text, _ := e.Detokenize(t.Context(), d.Tokens); text != d.Text {
			t.Errorf("tokens %q for the text %q: the answer was over and went on", text, d.Text)
		}
	})
	t.Run("the end is refused before the grammar allows it", func(t *testing.T) {
		for _, ignore := range []bool{false, true} {
			q := asked("Say hi.", `root ::= [a-zA-Z ,.!?]{160}`, 200)
			q.IgnoreEOS = ignore
			if d := generate(t, e, q); len(d.Text) != 160 || d.Finish != engine.FinishStop {
				t.Errorf("%d characters, %s", len(d.Text), d.Finish)
			}
		}
	})
	t.Run("the end is taken where the grammar allows it", func(t *testing.T) {
		q := asked("Say hi.", `root ::= [^\n]*`, 200)
		q.LogitBias = towardsEnd(t, e)
		d := generate(t, e, q)
		if last := d.Tokens[len(d.Tokens)-1]; d.Finish != engine.FinishStop || d.Text == "" || len(d.Tokens) > 150 {
			t.Errorf("%q, %s, the last token is %d", d.Text, d.Finish, last)
		}
	})
	t.Run("characters of several bytes and tokens", func(t *testing.T) {
		g := `root ::= "日本" [\u3040-\u30ff]{3} " 😀" [^\x00-\u07ff]{2} "é"`
		if d := generate(t, e, asked("Hello", g, 60)); d.Finish != engine.FinishStop || !matches(t, g, d.Text) {
			t.Errorf("%q, %s", d.Text, d.Finish)
		}
	})
	t.Run("no control token within a grammar", func(t *testing.T) {
		q := asked("Hello", `root ::= .{60}`, 120)
		hot := 3.0
		q.Temperature = &hot
		d := generate(t, e, q)
		if text, _ := e.Detokenize(t.Context(), d.Tokens); text != d.Text || d.Finish != engine.FinishStop {
			t.Errorf("tokens %q for the text %q, %s", text, d.Text, d.Finish)
		}
	})
	t.Run("log-probabilities are those without a grammar", func(t *testing.T) {
		free, bound := asked("What is the capital of France?", "", 1), asked("What is the capital of France?", `root ::= "Rome" | "zebra"`, 1)
		for _, q := range []*engine.Request{&free, &bound} {
			q.Logprobs, q.TopLogprob = true, 20
		}
		f, b := generate(t, e, free).Logprobs[0], generate(t, e, bound).Logprobs[0]
		if f.ID == b.ID || b.Logprob >= f.Logprob || len(b.Top) != 20 {
			t.Errorf("free %+v, bound %+v", f, b)
		}
		for i := range f.Top {
			if f.Top[i].ID != b.Top[i].ID || math.Float64bits(f.Top[i].Logprob) != math.Float64bits(b.Top[i].Logprob) {
				t.Errorf("alternative %d: free %+v, bound %+v", i, f.Top[i], b.Top[i])
			}
		}
	})
	t.Run("trigger", func(t *testing.T) { triggers(t, e) })
	t.Run("errors", func(t *testing.T) { grammarErrors(t, e) })
	t.Run("the same bits in any company", func(t *testing.T) { exactGrammars(t, e) })
}

func matches(t *testing.T, grammar, text string) bool {
	t.Helper()
	g, err := gbnf.Parse(grammar)
	if err != nil {
		t.Fatal(err)
	}
	return g.Match(text)
}

func validJSON(t *testing.T, e *llama.Engine) {
	whole, cut := 0, 0
	var mu sync.Mutex
	var wg sync.WaitGroup
	for i := range 7 {
		wg.Go(func() {
			q := asked("Describe a person as JSON.", personGrammar, 20+10*i)
			warm, seed := 1.0, int64(i)
			q.Temperature, q.Seed = &warm, &seed
			d := generate(t, e, q)
			mu.Lock()
			defer mu.Unlock()
			var v struct {
				Name  string
				Age   int
				Likes []string
			}
			err := json.Unmarshal([]byte(d.Text), &v)
			switch d.Finish {
			case engine.FinishStop:
				if whole++; err != nil {
					t.Errorf("%q: %v", d.Text, err)
				}
			case engine.FinishLength:
				if cut++; d.Usage.Output != q.MaxTokens {
					t.Errorf("cut after %d tokens of %d", d.Usage.Output, q.MaxTokens)
				}
			}
		})
	}
	wg.Wait()
	if whole < 2 || cut < 1 {
		t.Errorf("%d answers were whole and %d cut: the test shows too little", whole, cut)
	}
}

// triggers: free text up to the trigger, which may begin and end within tokens; from there on the grammar.
func triggers(t *testing.T, e *llama.Engine) {
	q := asked("Tell me a story about a fox.", "", 24)
	free := generate(t, e, q)
	for _, at := range [][2]int{{7, 8}, {9, 14}, {12, 27}, {20, 22}} {
		trigger := free.Text[at[0]:at[1]]
		first := strings.Index(free.Text, trigger)
		q.GrammarTrigger, q.MaxTokens = trigger, 60
		q.Grammar = fmt.Sprintf("root ::= %q [a-z ]{0,8} \"<\" [a-z]{5} \">\"", trigger)
		d := generate(t, e, q)
		if !strings.HasPrefix(d.Text, free.Text[:first]) || d.Finish != engine.FinishStop || !matches(t, q.Grammar, d.Text[first:]) {
			t.Errorf("trigger %q in %q: got %q, %s", trigger, free.Text, d.Text, d.Finish)
		}
	}
	q.GrammarTrigger, q.MaxTokens, q.Grammar = "never there", 24, `root ::= "never there"`
	if d := generate(t, e, q); !slices.Equal(d.Tokens, free.Tokens) {
		t.Errorf("a trigger that never comes changed the answer: %q, %q", d.Text, free.Text)
	}
	// What stands behind the trigger in its token belongs to the grammar: a token that holds more than it allows is refused.
	q.GrammarTrigger, q.Grammar = "f", `root ::= "f" [^o] [^o]`
	if d := generate(t, e, q); strings.Contains(d.Text, "fo") || d.Finish == engine.FinishStop && !matches(t, q.Grammar, "f"+strings.SplitN(d.Text, "f", 2)[1]) {
		t.Errorf("got %q, %s", d.Text, d.Finish)
	}
}

func grammarErrors(t *testing.T, e *llama.Engine) {
	for _, c := range []struct{ grammar, code, message string }{
		{"root ::= \"a\"\nb ::= nothing", "invalid_grammar", "line 2, column 7: the rule nothing is used"},
		{"root ::= root \"a\"", "invalid_grammar", "left recursion"},
		{`root ::= (("a"{1,100}){1,100}){100} "b"`, "grammar_stuck", "no token"},
	} {
		q := asked("Hi", c.grammar, 200)
		err := e.Generate(t.Context(), &q, &sink{})
		var ee *engine.Error
		if !errors.As(err, &ee) || ee.Code != c.code || ee.Param != "grammar" || !ee.Client || !strings.Contains(ee.Message, c.message) {
			t.Errorf("%q: %#v", c.grammar, err)
		}
	}
}

// exactGrammars runs sequences with grammars one by one and then all at once beside others: no bit may differ.
func exactGrammars(t *testing.T, e *llama.Engine) {
	var reqs []engine.Request
	grammars := []string{personGrammar, `root ::= [a-z ]{30}`, "", `root ::= ("yes" | "no") (", " [a-z]+)* "."`, `root ::= [^e]+`}
	for i := range 10 {
		q := asked(prose[20*i:20*i+40+7*i], grammars[i%len(grammars)], 12)
		warm, seed := 0.9, int64(i)
		if i%3 > 0 {
			q.Temperature, q.Seed = &warm, &seed
		}
		if i%5 == 3 {
			q.GrammarTrigger, q.Grammar = ".", `root ::= "." " And"* " " [a-z]+`
		}
		q.Logprobs, q.TopLogprob = true, 2
		reqs = append(reqs, q)
	}
	alone := make([]engine.Delta, len(reqs))
	for i, q := range reqs {
		alone[i] = generate(t, e, q)
	}
	differ := 0
	var mu sync.Mutex
	var wg sync.WaitGroup
	for i, q := range reqs {
		wg.Go(func() {
			d := generate(t, e, q)
			mu.Lock()
			defer mu.Unlock()
			differ += bitsApart(alone[i], d)
			if d.Text != alone[i].Text || d.Finish != alone[i].Finish {
				t.Errorf("%q (%s) alone, %q (%s) in company", alone[i].Text, alone[i].Finish, d.Text, d.Finish)
			}
		})
	}
	wg.Wait()
	if differ > 0 {
		t.Errorf("%d bits differ", differ)
	}
}

// bitsApart counts the bits in which two answers' tokens and log-probabilities differ.
func bitsApart(a, b engine.Delta) (n int) {
	if len(a.Tokens) != len(b.Tokens) || len(a.Logprobs) != len(b.Logprobs) {
		return 32 * max(len(a.Tokens), len(b.Tokens))
	}
	for i := range a.Tokens {
		n += bits.OnesCount32(uint32(a.Tokens[i] ^ b.Tokens[i]))
	}
	for i := range a.Logprobs {
		n += bits.OnesCount64(math.Float64bits(a.Logprobs[i].Logprob) ^ math.Float64bits(b.Logprobs[i].Logprob))
	}
	return n
}
