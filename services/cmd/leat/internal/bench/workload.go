package bench

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
)

// maxPromptTokens bounds what one generated prompt may hold.
const maxPromptTokens = 1 << 20

// Workload says what the requests ask. The body of request i depends on this struct, the seed and i only.
type Workload struct {
	// PromptTokens is the length of generated prompts in words that most tokenisers keep whole: about that many tokens.
	// The report has the server's own count.
	PromptTokens int `json:"prompt_tokens,omitempty"`
	// MaxTokens is max_tokens; zero leaves it out.
	MaxTokens int `json:"max_tokens,omitempty"`
	// SharedPrefix is how many of PromptTokens are the same for all requests of a prefix group.
	SharedPrefix int `json:"shared_prefix,omitempty"`
	// PrefixGroups is how many different shared prefixes there are; each request draws one.
	PrefixGroups int `json:"prefix_groups,omitempty"`
	// PromptFile holds one prompt for all requests, instead of generated ones.
	PromptFile string `json:"prompt_file,omitempty"`
	// Input is a JSON-lines file, one request body a line (or one prompt, as a JSON string), sent in turn.
	Input string `json:"input,omitempty"`
	// Params are further body fields, "name=JSON", such as temperature=0.
	Params []string `json:"params,omitempty"`
	// Seed makes prompts and arrivals repeatable.
	Seed uint64 `json:"seed"`
}

func (w Workload) validate() error {
	var problems []error
	if w.PromptFile != "" && w.Input != "" {
		problems = append(problems, errors.New("give either prompt-file or input"))
	}
	if w.PromptFile == "" && w.Input == "" && (w.PromptTokens < 1 || w.PromptTokens > maxPromptTokens) {
		problems = append(problems, fmt.Errorf("prompt-tokens %d: use 1 to %d", w.PromptTokens, maxPromptTokens))
	}
	if w.MaxTokens < 0 {
		problems = append(problems, fmt.Errorf("max-tokens %d: use a positive number, or 0 for the server's default", w.MaxTokens))
	}
	if w.SharedPrefix < 0 || w.SharedPrefix > w.PromptTokens {
		problems = append(problems, fmt.Errorf("shared-prefix %d: use 0 to prompt-tokens (%d)", w.SharedPrefix, w.PromptTokens))
	}
	if w.PrefixGroups < 1 {
		problems = append(problems, fmt.Errorf("prefix-groups %d: use at least 1", w.PrefixGroups))
	}
	_, err := w.params()
	return errors.Join(append(problems, err)...)
}

func (w Workload) params() (map[string]json.RawMessage, error) {
	fields := map[string]json.RawMessage{}
	for _, p := range w.Params {
		name, value, found := strings.Cut(p, "=")
		if !found || name == "" || !json.Valid([]byte(value)) {
			return nil, fmt.Errorf("param %q: use name=JSON, for example temperature=0 or stop='[\"x\"]'", name)
		}
		fields[name] = json.RawMessage(value)
	}
	return fields, nil
}

// bodies writes request bodies. It is read-only after newBodies and safe for concurrent use.
type bodies struct {
	fixed         [][]byte // whole bodies, used in turn
	before, after []byte   // around a generated prompt
	prefixes      [][]byte // shared starts of generated prompts
	own           int      // words of its own that a generated prompt gets
	seed          uint64
}

func newBodies(cfg Config) (*bodies, error) {
	fields, err := cfg.fields()
	if err != nil {
		return nil, err
	}
	w := cfg.Workload
	switch {
	case w.Input != "":
		return readInput(cfg, fields)
	case w.PromptFile != "":
		text, err := os.ReadFile(w.PromptFile)
		if err != nil {
			return nil, fmt.Errorf("read prompt file: %w", err)
		}
		body, err := render(cfg.Endpoint, string(text), fields)
		return &bodies{fixed: [][]byte{body}}, err
	}
	const mark = "\u241f" // stands for the prompt in the template
	body, err := render(cfg.Endpoint, mark, fields)
	if err != nil {
		return nil, err
	}
	before, after, found := bytes.Cut(body, []byte(mark))
	if !found {
		return nil, errors.New("render request: the prompt is missing; does a --param replace it?")
	}
	b := &bodies{before: before, after: after, own: w.PromptTokens - w.SharedPrefix, seed: w.Seed}
	for g := range w.PrefixGroups {
		words := rand.New(rand.NewPCG(w.Seed, ^uint64(g)))
		b.prefixes = append(b.prefixes, appendWords(nil, words, w.SharedPrefix))
	}
	return b, nil
}

// append writes the body of request i behind dst.
func (b *bodies) append(dst []byte, i uint64) []byte {
	if len(b.fixed) > 0 {
		return append(dst, b.fixed[i%uint64(len(b.fixed))]...)
	}
	words := rand.New(rand.NewPCG(b.seed, i))
	dst = append(dst, b.before...)
	dst = append(dst, b.prefixes[words.IntN(len(b.prefixes))]...)
	dst = appendWords(dst, words, b.own)
	return append(dst, b.after...)
}

// fields are the body's fields beside the prompt.
func (c Config) fields() (map[string]json.RawMessage, error) {
	fields := map[string]json.RawMessage{}
	set := func(name string, value any) {
		fields[name], _ = json.Marshal(value) // strings, numbers and booleans always encode
	}
	set("model", c.Model)
	if c.Workload.MaxTokens > 0 {
		set("max_tokens", c.Workload.MaxTokens)
	}
	if c.Stream {
		set("stream", true)
		if c.IncludeUsage {
			set("stream_options", map[string]bool{"include_usage": true})
		}
	}
	params, err := c.Workload.params()
	for name, value := range params {
		fields[name] = value
	}
	return fields, err
}

func render(endpoint, prompt string, fields map[string]json.RawMessage) ([]byte, error) {
	body := make(map[string]any, len(fields)+1)
	if endpoint == EndpointChat {
		body["messages"] = []map[string]string{{"role": "user", "content": prompt}}
	} else {
		body["prompt"] = prompt
	}
	for name, value := range fields {
		body[name] = value
	}
	return json.Marshal(body)
}

// readInput reads a JSON-lines file. A line's own fields win over the flags, except stream: one run is one kind.
func readInput(cfg Config, fields map[string]json.RawMessage) (*bodies, error) {
	file, err := os.Open(cfg.Workload.Input)
	if err != nil {
		return nil, fmt.Errorf("open input: %w", err)
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 64<<20)
	b := &bodies{}
	for number := 1; lines.Scan(); number++ {
		line := bytes.TrimSpace(lines.Bytes())
		if len(line) == 0 {
			continue
		}
		body, err := inputBody(cfg, line, fields)
		if err != nil {
			return nil, fmt.Errorf("input %s line %d: %w", cfg.Workload.Input, number, err)
		}
		b.fixed = append(b.fixed, body)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read input %s: %w", cfg.Workload.Input, err)
	}
	if len(b.fixed) == 0 {
		return nil, fmt.Errorf("input %s holds no requests", cfg.Workload.Input)
	}
	return b, nil
}

func inputBody(cfg Config, line []byte, fields map[string]json.RawMessage) ([]byte, error) {
	var prompt string
	if line[0] == '"' && json.Unmarshal(line, &prompt) == nil {
		return render(cfg.Endpoint, prompt, fields)
	}
	var own map[string]json.RawMessage
	if err := json.Unmarshal(line, &own); err != nil || own == nil {
		return nil, errors.New("neither a JSON object (a request body) nor a JSON string (a prompt)")
	}
	want := map[string]string{EndpointChat: "messages", EndpointCompletions: "prompt"}[cfg.Endpoint]
	if own[want] == nil {
		return nil, fmt.Errorf("the %s endpoint needs %q", cfg.Endpoint, want)
	}
	delete(own, "stream")
	delete(own, "stream_options")
	for name, value := range fields {
		if own[name] == nil {
			own[name] = value
		}
	}
	return json.Marshal(own)
}

// appendWords writes n words, each with a space behind.
func appendWords(dst []byte, random *rand.Rand, n int) []byte {
	for range n {
		dst = append(dst, vocabulary[random.IntN(len(vocabulary))]...)
		dst = append(dst, ' ')
	}
	return dst
}

// vocabulary holds frequent English words: with the space before them, one token each in the usual vocabularies.
var vocabulary = strings.Fields(`the of and to in a is that for it was on are as with his they at be this from have or by one had
not but what all were when we there can an your which their said if do will each about how up out them then she many some so these
would other into has more her two like him see time could no make than first been its who now people my made over did down only way
find use may water long little very after words called just where most know get through back much before go good new write our used
me man too any day same right look think also around another came come work three word must because does part even place well such
here take why things help put years different away again off went old number great tell men say small every found still between name
should home big give air line set own under read last never us left end along while might next sound below saw something thought both
few those always looked show large often together asked house world going want school important until form food keep children feet land
side without boy once animals life enough took sometimes four head above kind began almost live page got earth need far hand high year
mother light parts country father let night following picture being study second eyes soon times story boys since white days ever paper
hard near sentence better best across during today others however sure means knew try told young miles sun ways thing whole hear example
heard several change answer room sea against top turned learn point city play toward five using himself usually`)
