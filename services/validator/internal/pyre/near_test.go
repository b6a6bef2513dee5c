package pyre

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// sifted are patterns of every sort that a sieve knows, and some that it does not.
var sifted = []string{
	`\b(?:the|and|of|to)\b`, `[.!?]\s*$`, `[\x00-\x08\x0b\x0c\x0e-\x1f\ufffd]`, `(?i)lorem ipsum|cookie policy|javascript`, `[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}`,
	`https?://\S+`, `</?[a-z]+>`, `\b\d{3}-\d{2}-\d{4}\b`, `\b(?:\d{1,3}\.){3}\d{1,3}\b`, `\b(?:\d[ -]?){13,16}\b`, `[{}\\]`, `\S{80,}`, `\S{13}`, `[^\s]{63,70}`, `[!?]{4,}| {4,}|\n{4,}`,
	`x\d{0,5}abc:\d{13}`, `[0-9a-f]+:\d{12,}z`, `(?:ab){7}c`, `[ab]{12,14}(?=c)`, `é{12}`, `[à-ÿ]{3}!`, `(?m)^#+ `, `(?m)\d+$`, `^\s*<`, `(?<!\d)\d{4}(?!\d)`, `(a+)b\1`, `.{40,}@`, `\W{12,}x`,
	`\w+\u00df`, `日本|中国語`, `[日-本]\d`, `\D{64}`, `[^a]{70,}`, `a.c`, `a\b.\B`, `(?:\d ?){14}`, `\x00`, `[a-c]{12,}|q`, `"[^"]*"`, `--+>`,
}

// pieces make texts that hold what the patterns look for, and what is nearly that.
var pieces = []string{
	"the", "of", " ", "  ", "    ", "\n", "\n\n\n\n", ".", "!", "!!!!", "\x01", "\x1f", "\ufffd", "LOREM ipsum", "ſ", "K", "cooKie policy", "a@b.cd", "me@", "@", "http://x", "://", "<b>", "</i", "123-45-6789", "123", "-",
	"1.2.3.4", "1.2.", "4111 1111-1111 1111", "٣", "٣٤٥٦", "1234567890123", "{", "\\", strings.Repeat("x", 79), strings.Repeat("y", 33), strings.Repeat("=", 130), "x12abc:", "abcdef:", "abababab", "c",
	"é", strings.Repeat("é", 12), "àÿ", "日", "本", "旺", "朮", "中国語", "# ", "9", "12345", "aab", "a", "b", "\u00df", strings.Repeat("中", 30), strings.Repeat("日", 90), "a1c", "\"", "-->", "😀", "q", "\u00a0", "\u2028", "0", "7 ",
}

// column draws texts with what a slice of a larger one has before and behind it.
func column(r *rand.Rand, rows, most int, broken bool) Texts {
	t := Texts{Offsets32: []int32{0}}
	t.Data = append(t.Data, pieces[r.IntN(len(pieces))]...)
	t.Offsets32[0] = int32(len(t.Data))
	for range rows {
		for range r.IntN(most + 1) {
			t.Data = append(t.Data, pieces[r.IntN(len(pieces))]...)
			if broken && r.IntN(40) == 0 {
				t.Data = append(t.Data, byte(0x80+r.IntN(0x80)))
			}
		}
		t.Offsets32 = append(t.Offsets32, int32(len(t.Data)))
	}
	return t
}

// held is heldBy each way to scan that the machine has.
func held(t *testing.T, groups []group, texts Texts, valid Bits) {
	t.Helper()
	heldBy(t, groups, texts, valid)
	if sieves512 {
		sieves512 = false
		defer func() { sieves512 = true }()
		heldBy(t, groups, texts, valid)
	}
}

// heldBy compares what a sieve's search finds in every row with what the pattern alone finds in a copy of it, so that nothing behind the row's end is seen.
func heldBy(t *testing.T, groups []group, texts Texts, valid Bits) {
	t.Helper()
	n := texts.Rows()
	for k := range groups {
		g := &groups[k]
		g.used = g.sieve.Sift(texts, g.used)
		sifted := g.used
		if sifted == nil {
			t.Fatal("the texts are not sifted")
		}
		for i, p := range g.patterns {
			out := Bits{Bytes: bytes.Repeat([]byte{0xAA}, (n+7)/8)}
			if err := sifted.SearchAll(i, valid, out); err != nil {
				t.Fatal(err)
			}
			for row := range n {
				from, to := texts.span(row)
				text := bytes.Clone(texts.Data[from:to])
				want, err := p.Search(text)
				if err != nil {
					t.Fatal(err)
				}
				if want = want && valid.get(row); out.get(row) != want {
					t.Fatalf("%q in row %d %q: %v, should be %v", p, row, text, out.get(row), want)
				}
			}
		}
	}
}

// group is patterns of one sieve; all together they would have no room in one.
type group struct {
	sieve    *Sieve
	patterns []*Regexp
	used     *Sifted
}

func compiled(t *testing.T) (groups []group) {
	t.Helper()
	for some := range slices.Chunk(sifted, 8) {
		g := group{sieve: &Sieve{}}
		for _, p := range some {
			r, err := Compile(p)
			if err != nil {
				t.Fatal(err)
			}
			g.sieve.Add(r)
			g.patterns = append(g.patterns, r)
		}
		groups = append(groups, g)
	}
	return groups
}

func TestASieveFindsWhatEachPatternFinds(t *testing.T) {
	groups := compiled(t)
	for seed := range uint64(150) {
		r := rand.New(rand.NewPCG(seed, 1)) //nolint:gosec // a test that is the same every time
		texts := column(r, 20+r.IntN(80), 1+r.IntN(120), seed%4 == 3)
		if texts.Offsets32[texts.Rows()]-texts.Offsets32[0] < int32(texts.Rows()*shortest) { //nolint:gosec // small
			continue
		}
		valid := Bits{}
		if seed%2 == 1 {
			valid.Bytes = make([]byte, (texts.Rows()+7)/8)
			for i := range valid.Bytes {
				valid.Bytes[i] = byte(r.Uint32())
			}
		}
		held(t, groups, texts, valid)
		if seed%3 == 0 { // as large strings, and without a byte to spare behind the last
			long := Texts{Data: bytes.Clone(texts.Data)}
			for _, o := range texts.Offsets32 {
				long.Offsets64 = append(long.Offsets64, int64(o))
			}
			held(t, groups, long, valid)
		}
	}
}

func FuzzSieve(f *testing.F) {
	for i, p := range pieces {
		f.Add(p+pieces[(i+7)%len(pieces)]+" "+p, uint8(i), uint16(3))
	}
	f.Fuzz(func(t *testing.T, text string, times uint8, cut uint16) {
		groups := compiled(t)
		whole := strings.Repeat(text, 1+int(times)%9)
		if len(whole) < 3*shortest || len(whole) > 1<<16 {
			return
		}
		at := int32(int(cut) % len(whole))
		held(t, groups, Texts{Data: []byte(whole), Offsets32: []int32{0, at, at, int32(len(whole))}}, Bits{}) //nolint:gosec // small
	})
}

func TestMostPatternsOfATextAreSifted(t *testing.T) {
	if !sieves {
		t.Skip("this machine has no sieve")
	}
	var not []string
	for _, g := range compiled(t) {
		for i := range g.patterns {
			if !g.sieve.patterns[i].sifts() {
				not = append(not, g.patterns[i].String())
			}
		}
	}
	const most = 10
	if len(not) > most {
		t.Errorf("%d patterns are looked for in whole texts, more than %d: %q", len(not), most, not)
	}
}

func TestASieveFindsEveryCharacterOfASet(t *testing.T) {
	space := strings.Repeat(" ", shortest)
	for pattern, of := range map[string][2]rune{`[日-本]`: {'日', '本'}, `[à-ÿ]`: {'à', 'ÿ'}, `[‘-‟…]`: {'‘', '…'}, `[\U0001F600-\U0001F64F]`: {0x1F600, 0x1F64F}, `[{}\\\x00-\x08\x0b\x1f]`: {0, 0x7F}} {
		r, err := Compile(pattern)
		if err != nil {
			t.Fatal(err)
		}
		s := &Sieve{}
		s.Add(r)
		texts := Texts{Offsets32: []int32{0}}
		for c := max(0, of[0]-3); c <= of[1]+3; c++ {
			texts.Data = append(texts.Data, space+string(c)+space...)
			texts.Offsets32 = append(texts.Offsets32, int32(len(texts.Data))) //nolint:gosec // small
		}
		held(t, []group{{sieve: s, patterns: []*Regexp{r}}}, texts, Bits{})
	}
}
