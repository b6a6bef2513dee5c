// Package textout turns a sequence's token pieces into text that may be shown: whole UTF-8 characters only, and never
// a part of a stop string. Tokens leave together with the text that they end.
//
// It knows nothing of models or sampling. A Writer belongs to one goroutine.
package textout

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"github.com/leathq/leat/services/worker/internal/engine"
)

// Writer holds back what is not yet fit to be shown.
type Writer struct {
	stops   []string
	longest int
	buf     []byte // bytes that are not yet released
	held    []held
	out     engine.Delta
	stopped bool
}

type held struct {
	start, end int // the token's bytes in buf; start is negative where some are released already
	id         int32
	lp         *engine.TokenLogprob
}

// New returns a writer that ends the text before the first of stops; empty ones are ignored.
func New(stops []string) *Writer {
	w := &Writer{}
	for _, s := range stops {
		if s != "" {
			w.stops = append(w.stops, s)
			w.longest = max(w.longest, len(s))
		}
	}
	return w
}

// Push adds a token: piece is what it adds to the text (empty for control tokens), lp its log-probability or nil. It
// reports that a stop string is complete: the text is then cut before it, tokens that lie wholly behind the cut are
// dropped, and nothing more may be pushed.
func (w *Writer) Push(id int32, piece []byte, lp *engine.TokenLogprob) (stopped bool) {
	from := max(0, len(w.buf)-w.longest+1)
	start := len(w.buf)
	w.buf = append(w.buf, piece...)
	w.held = append(w.held, held{start: start, end: len(w.buf), id: id, lp: lp})
	cut := w.findStop(from)
	if cut < 0 {
		w.release(w.showable())
		return false
	}
	keep := w.held[:0]
	for _, h := range w.held {
		if h.start < cut || h.end <= cut {
			h.end = min(h.end, cut)
			keep = append(keep, h)
		}
	}
	w.held, w.buf, w.stopped = keep, w.buf[:cut], true
	w.release(cut)
	return true
}

// Finish releases everything that is still held: the sequence ended without (another) stop string.
func (w *Writer) Finish() { w.release(len(w.buf)) }

// Take returns the released text and tokens since the last Take, and whether there are any.
func (w *Writer) Take() (engine.Delta, bool) {
	d := w.out
	w.out = engine.Delta{}
	return d, d.Text != "" || len(d.Tokens) > 0
}

// findStop returns where the stop string that completes first begins, or -1; of several that complete together the
// longest. Positions before from were searched already.
func (w *Writer) findStop(from int) int {
	start, end := -1, len(w.buf)+1
	for _, s := range w.stops {
		lo := max(0, from-(w.longest-len(s)))
		if i := bytes.Index(w.buf[lo:], []byte(s)); i >= 0 {
			i += lo
			if e := i + len(s); e < end || e == end && i < start {
				start, end = i, e
			}
		}
	}
	return start
}

// showable is how many leading bytes of buf can be released: none of them can still become part of a stop string, and
// they end with a whole character.
func (w *Writer) showable() int {
	n := len(w.buf)
	for k := min(w.longest-1, n); k > 0; k-- {
		if w.opensStop(w.buf[n-k:]) {
			n -= k
			break
		}
	}
	for back := 1; back < utf8.UTFMax && back <= n; back++ {
		if c := w.buf[n-back]; utf8.RuneStart(c) {
			if !utf8.FullRune(w.buf[n-back : n]) {
				n -= back
			}
			break
		}
	}
	return n
}

func (w *Writer) opensStop(tail []byte) bool {
	for _, s := range w.stops {
		if len(tail) < len(s) && s[:len(tail)] == string(tail) {
			return true
		}
	}
	return false
}

func (w *Writer) release(n int) {
	if n > 0 {
		w.out.Text += strings.ToValidUTF8(string(w.buf[:n]), string(utf8.RuneError))
	}
	i := 0
	for ; i < len(w.held) && w.held[i].end <= n; i++ {
		h := w.held[i]
		w.out.Tokens = append(w.out.Tokens, h.id)
		if h.lp != nil {
			w.out.Logprobs = append(w.out.Logprobs, *h.lp)
		}
	}
	w.held = append(w.held[:0], w.held[i:]...)
	for j := range w.held {
		w.held[j].start -= n
		w.held[j].end -= n
	}
	w.buf = append(w.buf[:0], w.buf[n:]...)
}
