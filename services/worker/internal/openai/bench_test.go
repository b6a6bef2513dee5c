package openai_test

import (
	"bytes"
	"fmt"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/leathq/leat/services/worker/internal/engine"
	"github.com/leathq/leat/services/worker/internal/openai"
)

// instant is an upstream that costs next to nothing: it looks for the end of a request and writes a prepared answer.
func instant(b *testing.B, answer []byte) string {
	b.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				buf := make([]byte, 64<<10)
				for n := 0; ; {
					k, err := conn.Read(buf[n:])
					if err != nil {
						return
					}
					if n += k; n > 0 && (buf[n-1] == '}' || bytes.HasPrefix(buf, []byte("GET"))) {
						n = 0
						if _, err := conn.Write(answer); err != nil {
							return
						}
					}
				}
			}()
		}
	}()
	return "http://" + l.Addr().String()
}

// discard is an output that nobody reads.
type discard struct{ sink }

func (*discard) Emit(engine.Delta) {}
func (*discard) Credit() int       { return 100 }

func cpu() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func benchmark(b *testing.B, answer string, req *engine.Request) {
	for _, transport := range []string{"h1", "net/http"} {
		b.Run(transport, func(b *testing.B) {
			cfg := config(instant(b, []byte(answer)))
			cfg.Kind, cfg.Probe, cfg.MetricsInterval = openai.KindOpenAI, openai.ProbeNone, 0
			e, err := openai.New(b.Context(), cfg, openai.Deps{})
			if err != nil {
				b.Fatal(err)
			}
			defer e.Close()
			if transport == "net/http" {
				e.UseNetHTTP()
			}
			b.ReportAllocs()
			start := cpu()
			b.SetParallelism(32)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if err := e.Generate(b.Context(), req, &discard{}); err != nil {
						b.Error(err)
						return
					}
				}
			})
			b.ReportMetric(float64((cpu()-start).Microseconds())/float64(b.N), "cpu-µs/op")
		})
	}
}

// The upstream's own cost is in both.
func BenchmarkUnary(b *testing.B) {
	body := `{"id":"x","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"Hello there, how are you?"},"finish_reason":"stop"}],"usage":{"prompt_tokens":10,"completion_tokens":8,"total_tokens":18}}`
	benchmark(b, fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body), body), chat(false))
}

func BenchmarkStream64(b *testing.B) {
	var s strings.Builder
	s.WriteString("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
	for range 64 {
		e := `data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":" token"},"finish_reason":null}]}` + "\n\n"
		fmt.Fprintf(&s, "%x\r\n%s\r\n", len(e), e)
	}
	tail := finished + usage + done
	fmt.Fprintf(&s, "%x\r\n%s\r\n0\r\n\r\n", len(tail), tail)
	benchmark(b, s.String(), chat(true))
}

func BenchmarkParseChunk(b *testing.B) {
	line := []byte(`{"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":" token"},"logprobs":null,"finish_reason":null}]}`)
	parse := openai.Parser()
	b.ReportAllocs()
	for b.Loop() {
		parse(line)
	}
}
