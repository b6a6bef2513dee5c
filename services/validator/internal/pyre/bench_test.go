package pyre_test

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"

	"github.com/leathq/leat/services/validator/internal/pyre"
)

const vocabulary = "the of and to in a is that for it as was with be by on not he his but at are this have from or had an they which one you were all her she there would their we him been has when who will no more if out so up said what its about than into them can only other time new some could these two may first then do any like my now over such our man me even most made after also did many off before must well back through years where much your way down should because long each just state those people too mr how little good world make very year still see own work men day get here old life both between being under three never know same last another while us might great go come since against right came take used himself few house american use place during high without again home around small however found mrs thought went say part once general upon school every"

// prose is a column of English-like documents.
func prose(rows, bytes int) pyre.Texts {
	words := strings.Fields(vocabulary)
	rnd := rand.New(rand.NewPCG(5, 6))
	texts := make([]string, rows)
	for i := range texts {
		var b strings.Builder
		for b.Len() < bytes {
			b.WriteString(words[rnd.IntN(len(words))])
			b.WriteString([]string{" ", " ", " ", " ", " ", " ", " ", ", ", ". ", "\n"}[rnd.IntN(10)])
		}
		texts[i] = b.String()
	}
	return column(texts)
}

func short(rows int, format string, limits ...int) pyre.Texts {
	rnd := rand.New(rand.NewPCG(7, 8))
	texts := make([]string, rows)
	for i := range texts {
		args := make([]any, len(limits))
		for j, n := range limits {
			args[j] = rnd.IntN(n)
		}
		texts[i] = fmt.Sprintf(format, args...)
	}
	return column(texts)
}

// BenchmarkSearchAll compares with Go's regexp on the same rows: run with -bench . and compare the pairs.
func BenchmarkSearchAll(b *testing.B) {
	docs := prose(4000, 2700)
	for _, c := range []struct {
		name, pattern, golang string
		texts                 pyre.Texts
	}{
		{"email/prose", `[\w.+-]+@[\w-]+\.[\w.-]+`, `[\w.+-]+@[\w-]+\.[\w.-]+`, docs},
		{"water/prose", `(?i)\bwater\b`, `(?i)\bwater\b`, docs},
		{"ipv4/prose", `\b(?:\d{1,3}\.){3}\d{1,3}\b`, `\b(?:\d{1,3}\.){3}\d{1,3}\b`, docs},
		{"url/prose", `https?://[^\s<>"]+`, `https?://[^\s<>"]+`, docs},
		{"phone/prose", `\+?\d[\d ()-]{7,}\d`, `\+?\d[\d ()-]{7,}\d`, docs},
		{"control/prose", `[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]`, `[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]`, docs},
		{"beyond/prose", `[^\x00-\x7F]`, `[^\x00-\x7F]`, docs},
		{"alternatives/prose", `(?:lorem ipsum|cookie policy|javascript)`, `(?:lorem ipsum|cookie policy|javascript)`, docs},
		{"lastword/prose", `\w+ing\b.*\b[zZ]ebr.`, `\w+ing\b.*\b[zZ]ebr.`, docs},
		{"states/prose", `(?:[a-z]+q){2}[a-z]*x`, `(?:[a-z]+q){2}[a-z]*x`, docs},
		{"ahead/prose", `(?<!\d)(?=\d{4}-)\d{4}-\d\d`, ``, docs},
		{"date/short", `^\d{4}-\d{2}-\d{2}$`, `^\d{4}-\d{2}-\d{2}$`, short(1_000_000, "%04d-%02d-%02d", 3000, 13, 32)},
		{"code/short", `^[A-Z]{2}\d{4}$`, `^[A-Z]{2}\d{4}$`, short(1_000_000, "XY%04d", 9999)},
		{"email/short", `^[\w.+-]+@[\w-]+\.[\w.-]+$`, `^[\w.+-]+@[\w-]+\.[\w.-]+$`, short(1_000_000, "user%d@host%d.example.org", 1_000_000, 100)},
	} {
		out := pyre.Bits{Bytes: make([]byte, c.texts.Rows()/8+1)}
		b.Run(c.name+"/pyre", func(b *testing.B) {
			r, err := pyre.Compile(c.pattern)
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(int64(len(c.texts.Data)))
			for b.Loop() {
				if err := r.SearchAll(c.texts, pyre.Bits{}, out); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(c.texts.Rows())*float64(b.N)/b.Elapsed().Seconds()/1e6, "Mrows/s")
		})
		b.Run(c.name+"/regexp", func(b *testing.B) {
			if c.golang == "" {
				b.Skip("regexp cannot say it")
			}
			r := regexp.MustCompile(c.golang)
			b.SetBytes(int64(len(c.texts.Data)))
			for b.Loop() {
				for i := range c.texts.Rows() {
					r.Match(c.texts.Data[c.texts.Offsets64[i]:c.texts.Offsets64[i+1]])
				}
			}
		})
	}
}
