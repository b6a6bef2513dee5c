package clients_test

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
	"github.com/openai/openai-go/v3/packages/param"
	"github.com/openai/openai-go/v3/packages/ssestream"
)

// goSDK is the official Go SDK as its users call it.
func goSDK(t *testing.T, room, busy string) {
	t.Run("unary and stream say the same", func(t *testing.T) { goStream(t, room) })
	t.Run("logprobs", func(t *testing.T) { goLogprobs(t, room) })
	t.Run("responses", func(t *testing.T) { goResponses(t, room) })
	t.Run("tools", func(t *testing.T) { goTools(t, room) })
	t.Run("errors", func(t *testing.T) { goErrors(t, room) })
	t.Run("cancel and time-out", func(t *testing.T) { goLeaves(t, room) })
	t.Run("retries wait as told", func(t *testing.T) { goRetries(t, busy) })
}

func sdk(url string, opts ...option.RequestOption) *openai.Client {
	c := openai.NewClient(append([]option.RequestOption{option.WithBaseURL(url + "/v1"), option.WithAPIKey("none"), option.WithMaxRetries(0)}, opts...)...)
	return &c
}

func chat() openai.ChatCompletionNewParams {
	return openai.ChatCompletionNewParams{
		Model: model, Messages: []openai.ChatCompletionMessageParamUnion{openai.UserMessage("Name three rivers of Europe.")},
		Temperature: param.NewOpt(0.0), MaxCompletionTokens: param.NewOpt[int64](24),
	}
}

func text(prompt string, tokens int64) openai.CompletionNewParams {
	return openai.CompletionNewParams{
		Model: model, MaxTokens: param.NewOpt(tokens), Prompt: openai.CompletionNewParamsPromptUnion{OfString: param.NewOpt(prompt)},
	}
}

// endless is a stream that nobody waits for the end of.
func endless(ctx context.Context, c *openai.Client, opts ...option.RequestOption) *ssestream.Stream[openai.Completion] {
	return c.Completions.NewStreaming(ctx, text("Once upon a time", 1900), append(opts, option.WithJSONSet("ignore_eos", true))...)
}

func goStream(t *testing.T, url string) {
	c := sdk(url)
	whole, err := c.Chat.Completions.New(t.Context(), chat())
	if err != nil {
		t.Fatal(err)
	}
	p := chat()
	p.StreamOptions.IncludeUsage = param.NewOpt(true)
	stream, acc := c.Chat.Completions.NewStreaming(t.Context(), p), openai.ChatCompletionAccumulator{}
	for stream.Next() {
		if !acc.AddChunk(stream.Current()) {
			t.Errorf("the SDK does not take the chunk %s", stream.Current().RawJSON())
		}
	}
	if err := stream.Err(); err != nil || len(acc.Choices) != 1 {
		t.Fatalf("%d choices, %v", len(acc.Choices), err)
	}
	if got, want := acc.Choices[0], whole.Choices[0]; got.Message.Content != want.Message.Content || got.FinishReason != want.FinishReason {
		t.Errorf("stream says %q (%s), unary %q (%s)", got.Message.Content, got.FinishReason, want.Message.Content, want.FinishReason)
	}
	if acc.Usage.TotalTokens != whole.Usage.TotalTokens || whole.Usage.TotalTokens == 0 {
		t.Errorf("usage %+v and %+v", acc.Usage, whole.Usage)
	}
}

func goLogprobs(t *testing.T, url string) {
	c := sdk(url)
	p := chat()
	p.Logprobs, p.TopLogprobs = param.NewOpt(true), param.NewOpt[int64](3)
	answer, err := c.Chat.Completions.New(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	tokens := answer.Choices[0].Logprobs.Content
	if int64(len(tokens)) != answer.Usage.CompletionTokens {
		t.Errorf("%d log-probabilities of %d tokens", len(tokens), answer.Usage.CompletionTokens)
	}
	for _, tok := range tokens {
		if len(tok.TopLogprobs) != 3 || tok.TopLogprobs[0].Logprob != tok.Logprob {
			t.Errorf("token %q: %v, alternatives %v", tok.Token, tok.Logprob, tok.TopLogprobs)
		}
	}
}

func goErrors(t *testing.T, url string) {
	c := sdk(url)
	for _, want := range []struct {
		change func(*openai.CompletionNewParams)
		opts   []option.RequestOption
		status int
		code   string
	}{
		{func(p *openai.CompletionNewParams) { p.Model = "gpt-none" }, nil, 404, "model_not_found"},
		{func(p *openai.CompletionNewParams) { p.Temperature = param.NewOpt(9.0) }, nil, 400, "decimal_above_max_value"},
		{func(p *openai.CompletionNewParams) {
			p.Prompt = openai.CompletionNewParamsPromptUnion{OfArrayOfTokens: make([]int64, 3000)}
		}, nil, 400, "context_length_exceeded"},
		{func(p *openai.CompletionNewParams) { *p = text(strings.Repeat("mot ", 400), 1) },
			[]option.RequestOption{option.WithHeader("x-leat-timeout", "first_token=20ms")}, 504, "first_token_timeout"},
	} {
		p := text("x", 1)
		want.change(&p)
		_, err := c.Completions.New(t.Context(), p, want.opts...)
		var e *openai.Error
		if !errors.As(err, &e) || e.StatusCode != want.status || e.Code != want.code {
			t.Errorf("%v, want status %d with code %s", err, want.status, want.code)
		}
	}
	stream := endless(t.Context(), c, option.WithHeader("x-leat-timeout", "total=2s"))
	n := 0
	for stream.Next() {
		n++
	}
	if err := stream.Err(); n == 0 || err == nil || !strings.Contains(err.Error(), "total_timeout") {
		t.Errorf("a stream that was cut after %d chunks ends with %v, want total_timeout", n, err)
	}
}

func goLeaves(t *testing.T, url string) {
	idle := func() {
		t.Helper()
		until(t, "nothing is held for a client that left", func() bool {
			return metric(t, url, "llm_active_requests") == 0 && metric(t, url, "vllm:num_requests_running") == 0
		})
	}
	ctx, leave := context.WithCancel(t.Context())
	stream := endless(ctx, sdk(url))
	if !stream.Next() {
		t.Fatal(stream.Err())
	}
	leave()
	idle()
	_, err := sdk(url, option.WithRequestTimeout(700*time.Millisecond)).Completions.New(t.Context(), text("Once", 1900), option.WithJSONSet("ignore_eos", true))
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the client's own time-out: %v", err)
	}
	idle()
}

// answers notes every answer's status and time on its way to the SDK.
type answers struct {
	mu    sync.Mutex
	seen  []answer
	first func() // called at the first
}

type answer struct {
	status int
	when   time.Time
	told   time.Duration // Retry-After-Ms
}

func (a *answers) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	ms, _ := strconv.ParseFloat(resp.Header.Get("Retry-After-Ms"), 64) // 0 where it is missing
	a.seen = append(a.seen, answer{resp.StatusCode, time.Now(), time.Duration(ms * float64(time.Millisecond))})
	if len(a.seen) == 1 {
		a.first()
	}
	return resp, nil
}

func goRetries(t *testing.T, url string) {
	slot := endless(t.Context(), sdk(url))
	if !slot.Next() {
		t.Fatal(slot.Err())
	}
	waiting := make(chan error, 1)
	go func() {
		_, err := sdk(url).Completions.New(t.Context(), text("x", 1))
		waiting <- err
	}()
	until(t, "one request waits", func() bool { return metric(t, url, "llm_queue_depth") == 1 })
	_, err := sdk(url).Completions.New(t.Context(), text("x", 1))
	var e *openai.Error
	if !errors.As(err, &e) || e.StatusCode != 429 || e.Code != "queue_full" || e.Response.Header.Get("Retry-After") == "" {
		t.Errorf("%v, want 429 queue_full with Retry-After", err)
	}
	saw := &answers{first: func() { slot.Close() }}
	c := sdk(url, option.WithMaxRetries(5), option.WithHTTPClient(&http.Client{Transport: saw}))
	if _, err := c.Completions.New(t.Context(), text("x", 1)); err != nil {
		t.Fatalf("with retries: %v after %+v", err, saw.seen)
	}
	if n := len(saw.seen); n < 2 || saw.seen[0].status != 429 || saw.seen[n-1].status != 200 {
		t.Fatalf("answers %+v, want 429 first and 200 last", saw.seen)
	}
	if first := saw.seen[0]; first.told <= 0 || saw.seen[1].when.Sub(first.when) < first.told {
		t.Errorf("answers %+v: the SDK did not wait for as long as it was told", saw.seen)
	}
	if err := <-waiting; err != nil {
		t.Error(err)
	}
}
