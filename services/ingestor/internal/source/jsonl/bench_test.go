package jsonl_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/leathq/leat/services/ingestor/internal/source/jsonl"
	"github.com/leathq/leat/services/ingestor/internal/source/sourcetest"
)

func wide(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `{"id":%d,"name":"user %d","email":"user%d@example.com","score":%d.25,"active":%t,"country":"NL","city":"Amsterdam","age":%d,"tags":["a","b"],"note":null}`+"\n", i, i, i, i%1000, i%2 == 0, i%90)
	}
	return b.String()
}

func documents(n int, escape bool) string {
	end := " "
	if escape {
		end = `\n`
	}
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `{"id":%d,"text":"%s","url":"https://example.com/%d"}`+"\n", i, strings.Repeat("the quick brown fox jumps over the lazy dog, again and again"+end, 40), i)
	}
	return b.String()
}

func BenchmarkRead(b *testing.B) {
	for _, c := range []struct{ name, text string }{
		{"wide", wide(100000)}, {"text", documents(8000, false)}, {"escaped", documents(8000, true)},
	} {
		b.Run(c.name, func(b *testing.B) {
			dir := sourcetest.Write(b, map[string]string{"a.jsonl": c.text})
			s, err := jsonl.New([]byte("type: jsonl\npath: a.jsonl"), sourcetest.Deps(dir))
			if err != nil {
				b.Fatal(err)
			}
			p, err := s.Plan(b.Context(), nil)
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(int64(len(c.text)))
			b.ReportAllocs()
			for b.Loop() {
				r, err := s.Open(b.Context(), p.Parts[0], nil)
				if err != nil {
					b.Fatal(err)
				}
				for {
					if _, err := r.Next(b.Context()); errors.Is(err, io.EOF) {
						break
					} else if err != nil {
						b.Fatal(err)
					}
				}
				if err := r.Close(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
