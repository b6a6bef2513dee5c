// Command direct computes log-probabilities of tokens by calling llama.cpp's library itself, past all of Leat: the whole
// prompt alone in one call, nothing cached, no batch, no scheduler. Tests hold Leat's numbers against it bit for bit.
//
// Each line of standard input is a JSON array of token ids; each line of output has, for every token but the first, its
// log-probability given those before it, and whether it was the likeliest.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math"
	"os"
	"runtime"

	"github.com/hybridgroup/yzma/pkg/llama"
)

// most is the longest prompt in tokens.
const most = 512

// score is a line of output: one entry for each token but the first.
type score struct {
	Logprobs []float64 `json:"logprobs"`
	Greedy   []bool    `json:"greedy"`
}

func main() {
	lib, model := flag.String("lib", "", "directory of libllama"), flag.String("model", "", "GGUF file")
	flag.Parse()
	runtime.LockOSThread()
	if err := run(*lib, *model); err != nil {
		fmt.Fprintln(os.Stderr, "direct:", err)
		os.Exit(1)
	}
}

func run(lib, file string) error {
	if err := llama.Load(lib); err != nil {
		return fmt.Errorf("load the library: %w", err)
	}
	llama.LogSet(llama.LogSilent())
	llama.BackendInit()
	if err := llama.GGMLBackendLoadAllFromPath(lib); err != nil {
		return fmt.Errorf("load compute back-ends: %w", err)
	}
	model, err := llama.ModelLoadFromFile(file, llama.ModelDefaultParams())
	if err != nil {
		return fmt.Errorf("load %s: %w", file, err)
	}
	size := int(llama.VocabNTokens(llama.ModelGetVocab(model)))
	in, out := bufio.NewScanner(os.Stdin), json.NewEncoder(os.Stdout)
	in.Buffer(nil, 1<<20)
	for in.Scan() {
		var ids []llama.Token
		if err := json.Unmarshal(in.Bytes(), &ids); err != nil {
			return fmt.Errorf("standard input: %w", err)
		}
		s, err := scores(model, size, ids)
		if err != nil {
			return err
		}
		if err := out.Encode(s); err != nil {
			return err
		}
	}
	return in.Err()
}

// scores runs one prompt in a context of its own.
func scores(model llama.Model, size int, ids []llama.Token) (s score, err error) {
	if len(ids) > most {
		return s, fmt.Errorf("a prompt of %d tokens, the limit is %d", len(ids), most)
	}
	p := llama.ContextDefaultParams()
	p.NCtx, p.NBatch, p.NUbatch, p.NSeqMax, p.NThreads, p.NThreadsBatch = most, most, most, 1, 1, 1
	// The exact schedule's attention: keys in bfloat16 and values in float16 leave the kernel that handles a row by itself.
	p.FlashAttentionType, p.TypeK = llama.FlashAttentionTypeEnabled, llama.GGMLTypeBF16
	ctx, err := llama.InitFromModel(model, p)
	if err != nil {
		return s, fmt.Errorf("make a context: %w", err)
	}
	defer func() { err = errors.Join(err, llama.Free(ctx)) }()
	batch := llama.BatchInit(most, 0, 1)
	defer func() { err = errors.Join(err, llama.BatchFree(batch)) }()
	for i, id := range ids {
		if err := batch.Add(id, llama.Pos(i), []llama.SeqId{0}, true); err != nil {
			return s, err
		}
	}
	if code, err := llama.Decode(ctx, batch); err != nil || code != 0 {
		return s, fmt.Errorf("decode: code %d, %w", code, err)
	}
	for i := 0; i+1 < len(ids); i++ {
		row, err := llama.GetLogitsIth(ctx, int32(i), size)
		if err != nil {
			return s, err
		}
		lp, greedy := logSoftmax(row, int(ids[i+1]))
		s.Logprobs, s.Greedy = append(s.Logprobs, lp), append(s.Greedy, greedy)
	}
	return s, nil
}

// logSoftmax is the log-probability of a token in float64, summed in the order of ids.
func logSoftmax(row []float32, id int) (lp float64, greedy bool) {
	top := row[0]
	for _, x := range row {
		top = max(top, x)
	}
	sum := 0.0
	for _, x := range row {
		sum += math.Exp(float64(x) - float64(top))
	}
	return float64(row[id]) - float64(top) - math.Log(sum), row[id] == top
}
