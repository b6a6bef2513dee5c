package routing_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// answer is what a client saw of one completion.
type answer struct {
	worker         string
	ttft           time.Duration
	prompt, cached int
}

func (f *fleet) post(ctx context.Context, body string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, f.url+"/v1/completions", strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	return f.client.Do(req)
}

// complete streams one completion of a prompt of token ids.
func (f *fleet) complete(ctx context.Context, prompt []int32, max int) (answer, error) {
	ids, err := json.Marshal(prompt)
	if err != nil {
		return answer{}, err
	}
	begin := time.Now()
	resp, err := f.post(ctx, fmt.Sprintf(
		`{"model":"sim","stream":true,"stream_options":{"include_usage":true},"ignore_eos":true,"max_tokens":%d,"prompt":%s}`, max, ids))
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	a := answer{worker: resp.Header.Get("X-Leat-Worker")}
	if resp.StatusCode != http.StatusOK {
		data, err := io.ReadAll(resp.Body)
		return a, errors.Join(fmt.Errorf("%s: %s", resp.Status, data), err)
	}
	lines := bufio.NewScanner(resp.Body)
	for lines.Scan() {
		data, ok := bytes.CutPrefix(lines.Bytes(), []byte("data: "))
		if !ok {
			continue
		}
		if string(data) == "[DONE]" {
			return a, nil
		}
		if err := a.chunk(data, begin); err != nil {
			return a, err
		}
	}
	return a, errors.Join(errors.New("the stream ended without [DONE]"), lines.Err())
}

func (a *answer) chunk(data []byte, begin time.Time) error {
	var c struct {
		Choices []struct{ Text string }
		Usage   *struct {
			Prompt  int `json:"prompt_tokens"`
			Details struct {
				Cached int `json:"cached_tokens"`
			} `json:"prompt_tokens_details"`
		}
		Error json.RawMessage
	}
	if err := json.Unmarshal(data, &c); err != nil {
		return err
	}
	if c.Error != nil {
		return fmt.Errorf("error event: %s", c.Error)
	}
	if len(c.Choices) > 0 && a.ttft == 0 {
		a.ttft = time.Since(begin)
	}
	if c.Usage != nil {
		a.prompt, a.cached = c.Usage.Prompt, c.Usage.Details.Cached
	}
	return nil
}

// result gathers the answers to requests that were sent after the warm-up. It is safe for concurrent use.
type result struct {
	mu      sync.Mutex
	ttft    []time.Duration
	prompt  int
	cached  int
	per     map[string]int
	failed  int
	failure error
}

func (r *result) add(a answer, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err != nil {
		r.failed, r.failure = r.failed+1, err
		return
	}
	r.ttft = append(r.ttft, a.ttft)
	r.prompt += a.prompt
	r.cached += a.cached
	r.per[a.worker]++
}

func (r *result) hits() float64 { return float64(r.cached) / float64(max(r.prompt, 1)) }

func (r *result) quantile(q float64) time.Duration {
	slices.Sort(r.ttft)
	return r.ttft[min(int(q*float64(len(r.ttft))), len(r.ttft)-1)]
}

func (r *result) String() string {
	return fmt.Sprintf("%d requests, prefix hits %.3f, TTFT p50 %v p95 %v p99 %v, by worker %v", len(r.ttft), r.hits(),
		r.quantile(.5).Round(time.Millisecond), r.quantile(.95).Round(time.Millisecond), r.quantile(.99).Round(time.Millisecond), r.per)
}

// check fails the test where a request failed.
func (r *result) check(t *testing.T) *result {
	t.Helper()
	if r.failed > 0 || len(r.ttft) == 0 {
		t.Fatalf("%d requests failed, %d were answered; the last failure: %v", r.failed, len(r.ttft), r.failure)
	}
	return r
}

// timing of an experiment: what is sent in the warm-up does not count.
const (
	warmUp  = 6 * time.Second
	measure = 12 * time.Second
)

// openLoop calls send at random times, rate a second on average, without waiting for answers, until the time is over;
// it returns when all calls have. Late sends are not spread: the schedule is kept.
func openLoop(rate float64, seed uint64, send func(r *rand.Rand, warm bool)) {
	r := rand.New(rand.NewPCG(seed, 1))
	var calls sync.WaitGroup
	defer calls.Wait()
	begin := time.Now()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for at := time.Duration(0); at < warmUp+measure; at += time.Duration(r.ExpFloat64() / rate * float64(time.Second)) {
		timer.Reset(time.Until(begin.Add(at)))
		<-timer.C
		own := rand.New(rand.NewPCG(r.Uint64(), r.Uint64()))
		warm := at < warmUp
		calls.Go(func() { send(own, warm) })
	}
}

func tokens(seed uint64, n int) []int32 {
	r := rand.New(rand.NewPCG(seed, 3))
	s := make([]int32, n)
	for i := range s {
		s[i] = 65 + r.Int32N(26) // ids of letters, which every vocabulary has
	}
	return s
}
