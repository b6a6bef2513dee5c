package distinct_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/leathq/leat/services/validator/internal/distinct"
)

// longTexts are 600 rows, most of them long, of which a part repeats one before.
func longTexts() column {
	r := rand.New(rand.NewPCG(5, 6)) //nolint:gosec // a test that is the same every time
	c := column{kind: distinct.Bytes}
	for i := range 600 {
		k := i
		if i%7 == 3 {
			k = r.IntN(i)
		}
		text := fmt.Appendf(nil, "%s%d", strings.Repeat("long ", 24+k%9), k) // 120 to 163 bytes: on both sides of what is kept as a digest
		if k%5 == 0 {
			text = text[len(text)-4:]
		}
		c.texts = append(c.texts, text)
		c.there, c.words = append(c.there, i%11 != 0), append(c.words, 0)
	}
	return c
}

// TestDigestsTellDuplicates has rows added one after another, and states with texts merged in between, to one that keeps digests: what repeats and its bytes are known.
func TestDigestsTellDuplicates(t *testing.T) {
	c := longTexts()
	want := model(c)
	for name, merged := range map[string]bool{"added": false, "merged": true} {
		for _, repeats := range []int{distinct.AllRows, 20} {
			s := distinct.New(c.kind, distinct.Options{Repeats: repeats, Digests: true})
			for from := 0; from < len(c.texts); from += 75 {
				if merged && from%150 == 0 {
					next := distinct.New(c.kind, distinct.Options{Repeats: repeats})
					add(t, next, c, from, from+75)
					if err := s.Merge(next); err != nil {
						t.Fatal(err)
					}
					continue
				}
				add(t, s, c, from, from+75)
			}
			checkDuplicates(t, name, s, want, repeats)
			if n, err := s.Distinct(); err != nil || n != uint64(len(want)) {
				t.Errorf("%s: %d distinct values, want %d (%v)", name, n, len(want), err)
			}
		}
	}
}

// What a state with digests cannot do it refuses, rather than to lose a text.
func TestDigestsRefuseWhatNeedsTexts(t *testing.T) {
	c := longTexts()
	s := distinct.New(c.kind, distinct.Options{Digests: true, Bytes: 32 << 10})
	add(t, s, c, 0, 100)
	if err := distinct.New(c.kind, distinct.Options{}).Merge(s); err == nil {
		t.Error("merged into another")
	}
	if _, err := s.MarshalBinary(); err == nil {
		t.Error("encoded")
	}
	var err error
	for i := 0; i < 20_000 && err == nil; i++ {
		err = s.AddText(fmt.Appendf(nil, "%s%d", strings.Repeat("long ", 40), i), true)
	}
	if !errors.Is(err, distinct.ErrOutgrown) {
		t.Errorf("above its bound: %v", err)
	}
}

// Long texts whose places in the table are the same, as some of so many are, are told apart by their digests.
func TestDigestsTellTextsOfOneHashApart(t *testing.T) {
	const texts = 300_000
	s := distinct.New(distinct.Bytes, distinct.Options{Digests: true})
	text := make([]byte, 128)
	for i := range uint64(texts) {
		binary.LittleEndian.PutUint64(text, i)
		if err := s.AddText(text, true); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := s.Distinct(); err != nil || n != texts {
		t.Errorf("%d distinct texts of %d (%v)", n, texts, err)
	}
}
