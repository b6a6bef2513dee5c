package llama_test

import (
	"fmt"
	"log/slog"
	"testing"

	"github.com/leathq/leat/services/worker/internal/llama"
)

// schemaGrammar is what a JSON schema comes to whose answers go on for as long as the benchmark's.
const schemaGrammar = `
root   ::= "{" ws "\"people\"" ws ":" ws "[" ws person ("," ws person)* "]" ws "}"
person ::= "{" ws "\"name\"" ws ":" ws string "," ws "\"age\"" ws ":" ws integer "," ws "\"sex\"" ws ":" ws ("\"f\"" | "\"m\"") ws ("," ws "\"address\"" ws ":" ws address)? "}" ws
address ::= "{" ws "\"street\"" ws ":" ws string "," ws "\"city\"" ws ":" ws string "}" ws
string ::= "\"" char* "\"" ws
char   ::= [^"\\\x7F\x00-\x1F] | "\\" (["\\/bfnrt] | "u" [0-9a-fA-F]{4})
integer ::= ("-"? ([0-9] | [1-9] [0-9]{0,15})) ws
ws     ::= " "{0,2} | "\n" [ \t]{0,20}
`

// BenchmarkGrammar compares decoding under a JSON schema's grammar with decoding freely: the same prompts and lengths, in
// turns. "met" has met the grammar before; "new" reads it for the first time in every round.
func BenchmarkGrammar(b *testing.B) {
	output := envInt("LEAT_BENCH_OUTPUT", 64)
	for _, n := range []int{1, 8} {
		kids := &nursery{lib: libDir(b)}
		e := start(b, func(c *llama.Config) { c.Slots, c.Context, c.Threads = n, 512, envInt("LEAT_BENCH_THREADS", 1) },
			llama.Deps{Log: slog.New(slog.DiscardHandler), Command: kids.command})
		prompt, err := e.Tokenize(b.Context(), "<|im_start|>user\nList people as JSON.<|im_end|>\n<|im_start|>assistant\n", false, true)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(fmt.Sprintf("sequences=%d", n), func(b *testing.B) {
			rounds := map[string][]round{}
			turn := 0
			for b.Loop() {
				turn++
				for name, grammar := range map[string]string{"free": "", "met": schemaGrammar, "new": fmt.Sprintf("%s# %d\n", schemaGrammar, turn)} {
					rounds[name] = append(rounds[name], crowdSpeed(b, e, n, output, kids.last(), grammar, func(int) []int32 { return prompt }))
				}
			}
			for name, rs := range rounds {
				report(b, name, rs)
			}
		})
	}
}
