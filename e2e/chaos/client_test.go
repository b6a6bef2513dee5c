package chaos_test

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// ask is one completion to be asked for.
type ask struct {
	Model       string  `json:"model"`
	Prompt      string  `json:"prompt"`
	MaxTokens   int     `json:"max_tokens"`
	Seed        int64   `json:"seed"`
	Temperature float64 `json:"temperature"`
	IgnoreEOS   bool    `json:"ignore_eos,omitempty"`
	Stream      bool    `json:"stream"`
}

// outcome is what a client saw of one request.
type outcome struct {
	ask     ask
	status  int // 0: no answer
	worker  string
	text    string
	chunks  int // with text
	finish  string
	done    bool // the stream said [DONE]
	code    string
	after   bool // something came after the end
	err     error
	began   time.Time
	first   time.Time // first text
	ended   time.Time
	lastGap time.Duration // from the last text to the end
	gap     time.Duration // the longest wait for text in a stream
}

// verdict is how a request ended for its client.
type verdict string

const (
	complete verdict = "complete" // finish reason and [DONE], or a whole answer
	refused  verdict = "refused"  // an error status with a typed error
	broken   verdict = "broken"   // begun, and ended by exactly one typed error event
	cut      verdict = "cut"      // begun and cut off, or neither of the above
	nothing  verdict = "nothing"  // no answer at all: the connection failed
	hung     verdict = "hung"     // did not end in the client's patience
)

func (o *outcome) verdict() verdict {
	switch {
	case o.err != nil && context.DeadlineExceeded == o.err:
		return hung
	case o.status == 0:
		return nothing
	case o.status != http.StatusOK && o.code != "" && o.err == nil:
		return refused
	case o.err != nil || o.after || o.status != http.StatusOK:
		return cut
	case o.code == "" && o.finish != "" && (o.done || !o.ask.Stream):
		return complete
	case o.code != "" && o.finish == "" && !o.done:
		return broken
	}
	return cut
}

func (o *outcome) String() string {
	return fmt.Sprintf("%s: status %d, worker %q, %d chunks, finish %q, done %v, code %q, err %v, took %v, %v after the last text",
		o.verdict(), o.status, o.worker, o.chunks, o.finish, o.done, o.code, o.err, o.ended.Sub(o.began).Round(time.Millisecond), o.lastGap.Round(time.Millisecond))
}

// newClient makes an HTTP client of its own connections.
func newClient() *http.Client {
	return &http.Client{Transport: &http.Transport{
		MaxIdleConnsPerHost: 1000, DisableCompression: true,
		DialContext: (&net.Dialer{Timeout: 2 * time.Second}).DialContext,
	}}
}

// send asks and reads to the end; first is called at the first text of a stream.
func send(ctx context.Context, c *http.Client, addr string, a ask, first func()) *outcome {
	o := &outcome{ask: a, began: time.Now()}
	defer func() {
		o.ended = time.Now()
		if ctx.Err() != nil && o.err != nil {
			o.err = ctx.Err()
		}
	}()
	body, err := json.Marshal(a)
	if err != nil {
		o.err = err
		return o
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+addr+"/v1/completions", bytes.NewReader(body))
	if err != nil {
		o.err = err
		return o
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := c.Do(req)
	if err != nil {
		o.err = err
		return o
	}
	defer resp.Body.Close()
	o.status, o.worker = resp.StatusCode, resp.Header.Get("X-Leat-Worker")
	if a.Stream && strings.HasPrefix(resp.Header.Get("Content-Type"), "text/event-stream") {
		o.stream(resp.Body, first)
	} else {
		o.whole(resp.Body)
	}
	return o
}

// answer is what both a chunk and a whole answer may hold.
type answer struct {
	Choices []struct {
		Text   string  `json:"text"`
		Finish *string `json:"finish_reason"`
	} `json:"choices"`
	Error *struct {
		Message string `json:"message"`
		Type    string `json:"type"`
		Code    string `json:"code"`
	} `json:"error"`
}

// maxWhole is the largest answer that is looked into: parsing 10 MiB would cost the engines their share of the machine.
const maxWhole = 1 << 20

func (o *outcome) whole(r io.Reader) {
	data, err := io.ReadAll(io.LimitReader(r, maxWhole))
	if err != nil {
		o.err = err
		return
	}
	if more, err := io.Copy(io.Discard, r); more > 0 || err != nil {
		o.err = cmp.Or(err, fmt.Errorf("an answer of %d bytes", len(data)+int(more)))
		return
	}
	o.take(data)
}

func (o *outcome) stream(r io.Reader, first func()) {
	lines := bufio.NewReader(r)
	last := o.began
	for {
		line, err := lines.ReadBytes('\n')
		data, isData := bytes.CutPrefix(bytes.TrimSpace(line), []byte("data: "))
		if isData {
			o.after = o.after || o.done || o.code != ""
			if string(data) == "[DONE]" {
				o.done = true
			} else {
				before := o.chunks
				o.take(data)
				if o.chunks > before {
					now := time.Now()
					o.gap = max(o.gap, now.Sub(last))
					if last = now; before == 0 {
						o.first = last
						if first != nil {
							first()
						}
					}
				}
			}
		}
		if err != nil {
			o.lastGap = time.Since(last)
			if err != io.EOF {
				o.err = err
			}
			return
		}
	}
}

func (o *outcome) take(data []byte) {
	var a answer
	if err := json.Unmarshal(data, &a); err != nil {
		o.err = fmt.Errorf("not JSON: %w", err)
		return
	}
	if a.Error != nil {
		o.code = a.Error.Code
		if o.code == "" || a.Error.Type == "" || a.Error.Message == "" {
			o.err = fmt.Errorf("error without code, type or message: %s", data)
		}
	}
	for _, c := range a.Choices {
		if c.Text != "" {
			o.text += c.Text
			o.chunks++
		}
		if c.Finish != nil && *c.Finish != "" {
			o.finish = *c.Finish
		}
	}
}

// sendPatiently is send with the patience of the load's clients.
func sendPatiently(c *http.Client, addr string, a ask) *outcome {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return send(ctx, c, addr, a, nil)
}
