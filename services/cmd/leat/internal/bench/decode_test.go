package bench_test

import (
	"bufio"
	"bytes"
	"io"
	"math"
	"math/rand/v2"
	"net/http"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/leathq/leat/services/cmd/leat/internal/bench"
)

func TestEvents(t *testing.T) {
	t.Parallel()
	for in, want := range map[string][]string{
		"data: a\n\ndata: b\n\n":                 {"a", "b"},
		"data:a\r\n\r\ndata:  b\r\n\r\n":         {"a", " b"},
		"data: a\r\rdata: b\r\r":                 {"a", "b"},
		"data: a\ndata: b\n\n":                   {"a\nb"},
		"data: a\r\ndata: b\r\n\r\n":             {"a\nb"},
		"data\n\n":                               {""},
		": comment\n\nevent: x\nid: 1\n\n":       nil,
		"event: x\ndata: a\n: c\nretry: 5\n\n":   {"a"},
		"database: a\n\ndata : b\n\n":            nil,
		"data: never finished":                   nil,
		"data: never finished\n":                 nil,
		"\n\n\r\n\r\ndata: a\n\n\n\ndata: b\n\n": {"a", "b"},
	} {
		got, err := bench.ScanEvents([]byte(in))
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: %q, %v; want %q", in, got, err, want)
		}
	}
}

func TestAnEndlessEventIsRefused(t *testing.T) {
	t.Parallel()
	line := bytes.Repeat([]byte("x"), 1<<20)
	pieces := [][]byte{[]byte("data: ")}
	for range 5 {
		pieces = append(pieces, line)
	}
	if _, err := bench.ScanEvents(pieces...); err == nil {
		t.Error("an event of 5 MiB was taken")
	}
}

// However the bytes are cut, the events are the same.
func FuzzEventsDoNotDependOnReads(f *testing.F) {
	f.Add([]byte("data: a\r\n\r\ndata: b\n\n: c\ndata: [DONE]\r\r"), uint64(1))
	f.Add([]byte("event: e\ndata\ndata:x\n\n\xef\xbb\xbfdata: z\n\n"), uint64(2))
	f.Fuzz(func(t *testing.T, in []byte, seed uint64) {
		want, _ := bench.ScanEvents(in)
		random := rand.New(rand.NewPCG(seed, 0))
		var pieces [][]byte
		for rest := in; len(rest) > 0; {
			n := 1 + random.IntN(min(len(rest), 7))
			pieces, rest = append(pieces, bytes.Clone(rest[:n])), rest[n:]
		}
		if got, _ := bench.ScanEvents(pieces...); !slices.Equal(got, want) {
			t.Fatalf("cut: %q\nwhole: %q", got, want)
		}
	})
}

func TestChunks(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]bench.Parsed{
		`{"choices":[{"delta":{"content":"a"},"finish_reason":null}]}`:                  {Content: true},
		`{"choices":[{"delta":{"content":""},"finish_reason":"stop"}]}`:                 {Finish: true},
		`{"choices":[{"delta":{"role":"assistant","content":null}}]}`:                   {},
		`{"choices":[{"delta":{"reasoning_content":"hm"}}]}`:                            {Content: true},
		`{"choices":[{"delta":{"tool_calls":[{"index":0}]}}]}`:                          {Content: true},
		`{"choices":[{"text":"\n","finish_reason":"length"}]}`:                          {Content: true, Finish: true},
		`{"choices":[{"message":{"content":"x"},"finish_reason":"stop"}],"error":null}`: {Content: true, Finish: true},
		`{"usage":{"prompt_tokens":5,"completion_tokens":2,"prompt_tokens_details":{"cached_tokens":4}},"choices":[]}`: {
			Prompt: 5, Completion: 2, Cached: 4},
		`{"usage":null,"choices":[]}`:                                             {},
		`{"error":{"message":"m","type":"t","code":"c"}}`:                         {Failed: true, Code: "c", Message: "m"},
		`{"error":{"message":"m","type":"t","code":null}}`:                        {Failed: true, Code: "t", Message: "m"},
		`{"error":{"message":"m","code":503}}`:                                    {Failed: true, Code: "503", Message: "m"},
		`{"error":"boom"}`:                                                        {Failed: true, Message: "boom"},
		`{"object":"error","message":"m","type":"BadRequestError"}`:               {Failed: true, Code: "BadRequestError", Message: "m"},
		`{"choices":[{"delta":{"content":"\"error\":{}"},"finish_reason":null}]}`: {Content: true},
	} {
		if got, err := bench.ParseChunk([]byte(in)); err != nil || got != want {
			t.Errorf("%s: %+v, %v; want %+v", in, got, err, want)
		}
	}
	for _, in := range []string{"", "{", "[]", "1", "null", `{"choices":[}`, `{"a":1} x`} {
		if _, err := bench.ParseChunk([]byte(in)); err == nil {
			t.Errorf("%q was taken", in)
		}
	}
}

func FuzzChunk(f *testing.F) {
	f.Add([]byte(`{"choices":[{"delta":{"content":"a"},"finish_reason":null}],"usage":{"prompt_tokens":1e99}}`))
	f.Add([]byte(`{"error":{"message":[],"code":{}}}`))
	f.Fuzz(func(t *testing.T, in []byte) {
		before := bytes.Clone(in)
		one, err := bench.ParseChunk(in)
		again, _ := bench.ParseChunk(in)
		if one != again || !bytes.Equal(in, before) {
			t.Fatalf("not repeatable: %+v, %+v (%v)", one, again, err)
		}
	})
}

// Whatever bytes come, the socket client ends, gives the same for any cut of the reads, and where it takes a response
// as whole that net/http takes too, the body is the same.
func FuzzResponse(f *testing.F) {
	f.Add([]byte("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"), 1)
	f.Add([]byte("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;x=y\r\nhi\r\n1\r\n!\r\n0\r\nT: 1\r\n\r\n"), 3)
	f.Add([]byte("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0 200 OK\r\n\r\nhi"), 2)
	f.Add([]byte("HTTP/1.1 204 No Content\r\n\r\n"), 5)
	f.Fuzz(func(t *testing.T, in []byte, step int) {
		status, stream, body, err := bench.ReadResponse(in, 1<<20)
		status2, stream2, body2, err2 := bench.ReadResponse(in, step)
		if status != status2 || stream != stream2 || !bytes.Equal(body, body2) || (err == nil) != (err2 == nil) {
			t.Fatalf("whole: %d %t %q %v\ncut: %d %t %q %v", status, stream, body, err, status2, stream2, body2, err2)
		}
		if err != nil {
			return
		}
		want, wantErr := standard(in)
		if wantErr == nil && !bytes.Equal(want, body) {
			t.Fatalf("body %q, net/http reads %q", body, want)
		}
	})
}

// standard reads a response with net/http.
func standard(in []byte) ([]byte, error) {
	reader := bufio.NewReader(bytes.NewReader(in))
	for {
		resp, err := http.ReadResponse(reader, &http.Request{Method: http.MethodPost})
		if err != nil {
			return nil, err
		}
		if resp.StatusCode >= 200 {
			return io.ReadAll(resp.Body)
		}
	}
}

func TestHistogramKeepsItsPrecision(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	h := bench.NewHistogram(7)
	var values []time.Duration
	for range 20000 {
		v := time.Duration(math.Exp(random.Float64() * 28)) // 1 ns to 24 minutes
		values = append(values, v)
		h.Record(v)
	}
	slices.Sort(values)
	for _, q := range []float64{.001, .1, .5, .9, .99, .999, 1} {
		exact := values[max(int(math.Ceil(q*float64(len(values))))-1, 0)]
		got := h.Quantile(q)
		if got < exact || float64(got-exact) > float64(exact)/128+1 {
			t.Errorf("quantile %g is %d, want %d or up to 1/128 above", q, got, exact)
		}
	}
	if h.Max() != values[len(values)-1] || h.Count() != 20000 {
		t.Errorf("max %s, count %d", h.Max(), h.Count())
	}
	huge := bench.NewHistogram(3)
	huge.Record(math.MaxInt64)
	huge.Record(-1)
	if !reflect.DeepEqual([]time.Duration{huge.Quantile(.5), huge.Max()}, []time.Duration{0, math.MaxInt64}) {
		t.Errorf("extremes: p50 %d, max %d", huge.Quantile(.5), huge.Max())
	}
}
