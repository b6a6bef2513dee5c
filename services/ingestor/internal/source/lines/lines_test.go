package lines_test

import (
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/leathq/leat/services/ingestor/internal/source/lines"
)

// Lines come in order with their numbers and offsets, whatever pieces the stream comes in.
func TestNext(t *testing.T) {
	text := "one\r\n\ntwo\n" + strings.Repeat("x", 300000) + "\nlast"
	for name, r := range map[string]io.Reader{"whole": strings.NewReader(text), "by byte": iotest.OneByteReader(strings.NewReader(text)), "with the end": iotest.DataErrReader(strings.NewReader(text))} {
		l := lines.NewReader(r, 100, 7, 1<<20)
		var got []string
		for {
			offset := l.Offset()
			line, long, err := l.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil || long {
				t.Fatal(name, err, long)
			}
			if !strings.HasPrefix(text[offset-100:], string(line)) {
				t.Errorf("%s: %d is not where %.10q begins", name, offset, line)
			}
			got = append(got, string(line))
		}
		if want := []string{"one", "", "two", strings.Repeat("x", 300000), "last"}; !slices.Equal(got, want) || l.Number() != 12 || l.Offset() != int64(100+len(text)) {
			t.Errorf("%s: %d lines to number %d, offset %d", name, len(got), l.Number(), l.Offset())
		}
	}
}

// A line beyond the limit comes cut, costs no memory, and takes nothing of the next.
func TestLong(t *testing.T) {
	l := lines.NewReader(io.MultiReader(strings.NewReader("a\n"), io.LimitReader(endless{}, 5<<20), strings.NewReader("\nb\n")), 0, 0, 1000)
	for i, want := range []string{"a", strings.Repeat("x", 1000), "b"} {
		line, long, err := l.Next()
		if err != nil || string(line) != want || long != (i == 1) || l.Number() != int64(i+1) {
			t.Errorf("line %d: %.20q (%d bytes), long %v, %v", i+1, line, len(line), long, err)
		}
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	return len(p), nil
}

// More joins lines, and Back gives those behind the first one again.
func TestMoreAndBack(t *testing.T) {
	l := lines.NewReader(iotest.OneByteReader(strings.NewReader("a\r\nb\nc")), 0, 0, 1000)
	step := func(want string, got []byte, number, offset int64) {
		t.Helper()
		if string(got) != want || l.Number() != number || l.Offset() != offset {
			t.Errorf("%q, number %d, offset %d; not %q, %d, %d", got, l.Number(), l.Offset(), want, number, offset)
		}
	}
	line, _, _ := l.Next()
	step("a", line, 1, 3)
	line, _, _ = l.More()
	step("a\r\nb", line, 2, 5)
	line, _, _ = l.More()
	step("a\r\nb\nc", line, 3, 6)
	if _, ok, err := l.More(); ok || err != nil {
		t.Error("there is no more", ok, err)
	}
	l.Back()
	step("", nil, 1, 3)
	line, _, _ = l.Next()
	step("b", line, 2, 5)
	line, _, _ = l.Next()
	step("c", line, 3, 6)
	if _, _, err := l.Next(); !errors.Is(err, io.EOF) {
		t.Error(err)
	}
}
