package openai

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net/http"

	"github.com/leathq/leat/services/worker/internal/engine"
)

// Answer is what tests see of a parsed answer.
type Answer struct {
	Text, Reasoning, Finish             string
	Choice, Failed, UsageGiven          bool
	Logprobs                            string
	Prompt, Cached, Completion, Thought int
}

// Parse is the decoder of answers and chunks.
func Parse(b []byte) (Answer, error) {
	a, err := newParser().parse(b)
	if err != nil {
		return Answer{}, err
	}
	return Answer{
		Text: a.text, Finish: a.finish, Reasoning: a.reasoning, Choice: a.choice, Failed: a.failed, UsageGiven: a.usage.given,
		Logprobs: string(a.logprobs),
		Prompt:   a.usage.prompt, Cached: a.usage.cached, Completion: a.usage.completion, Thought: a.usage.reasoning,
	}, nil
}

// Events cuts a stream into its events' data, with a first buffer of size bytes.
func Events(r io.Reader, size, limit int) (events []string, err error) {
	var s sseReader
	s.reset(r, make([]byte, size), limit, func() {})
	for {
		data, err := s.next()
		if err == io.EOF {
			return events, nil
		}
		if err != nil {
			return events, err
		}
		events = append(events, string(data))
	}
}

// Body is the upstream's request for req.
func Body(kind, version string, req *engine.Request) (body, path string, err error) {
	b, path, err := new(Engine).body(nil, req, &facts{dialect: dialects[kind], version: version, upstreamModel: "up"})
	return string(b), path, err
}

// ReadMetrics reads Prometheus text.
func ReadMetrics(page []byte) (known bool, running, waiting, kv float64) {
	s := readMetrics(page)
	return s.known, s.running, s.waiting, s.kv
}

// DecodeLogprobs reads a logprobs object.
func DecodeLogprobs(raw []byte, top int) ([]engine.TokenLogprob, error) {
	return decodeLogprobs(raw, top)
}

// ErrorOf is the error that an upstream's answer becomes.
func ErrorOf(status int, body []byte) *engine.Error { return new(Engine).refusal(status, "", body) }

// UseNetHTTP makes an engine call its upstream with net/http, as it does for https.
func (e *Engine) UseNetHTTP() {
	e.upstream = newNetHTTP(e.root, "", e.cfg.ConnectTimeout, 1024)
}

// Parser is one goroutine's decoder.
func Parser() func([]byte) {
	p := newParser()
	return func(b []byte) { _, _ = p.parse(b) }
}

// Trust makes an engine that calls by net/http accept a test server's certificate, and looks at the upstream again.
func (e *Engine) Trust(roots *x509.CertPool) {
	n := newNetHTTP(e.root, "", e.cfg.ConnectTimeout, 1024)
	t, _ := n.client.Transport.(*http.Transport)
	t.TLSClientConfig = &tls.Config{RootCAs: roots}
	e.upstream = n
	e.probe(e.stop)
}

// Alike learns a chunk and reads another as one like it; ok is false where it is none.
func Alike(learnt, b []byte) (text, reasoning string, ok bool) {
	a, err := newParser().parse(learnt)
	if err != nil {
		return "", "", false
	}
	var l likeness
	l.learn(learnt, a)
	got, ok := l.read(b)
	return got.text, got.reasoning, ok
}

// Params is what a server of a kind and version honours.
func Params(kind, version string) []string {
	return (&facts{dialect: dialects[kind], version: version}).params()
}

// Kind is what the upstream was taken for, and whether it has metrics.
func (e *Engine) Kind() (kind string, metrics bool) {
	f := e.facts.Load()
	return f.dialect.kind, f.metrics != ""
}
