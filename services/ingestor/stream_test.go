package ingestor_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/leathq/leat/pkg/arrowio"
	"github.com/leathq/leat/pkg/flow"
	"github.com/leathq/leat/services/ingestor"
	"github.com/leathq/leat/services/ingestor/internal/source"
)

// chunks is a source's stream whose cursor is the number of the next chunk.
type chunks struct {
	all []*source.Chunk
	at  int
}

func (c *chunks) Next(context.Context) (*source.Chunk, error) {
	if c.at == len(c.all) {
		return nil, io.EOF
	}
	c.at++
	return c.all[c.at-1], nil
}

func (c *chunks) Close() error { return nil }

func opening(t *testing.T, all []*source.Chunk) func(source.Cursor) source.Stream {
	return func(at source.Cursor) source.Stream {
		s := &chunks{all: all}
		if at != nil {
			if err := json.Unmarshal(at, &s.at); err != nil {
				t.Fatal(err)
			}
		}
		return s
	}
}

// mixed are chunks of rows and refused records in a random mixture. Raw is how large a refused record is.
func mixed(random *rand.Rand, n, raw int) (all []*source.Chunk, rows, refused int) {
	for i := range n {
		c := &source.Chunk{After: json.RawMessage(fmt.Sprint(i + 1))}
		if k := random.IntN(400); k > 100 {
			values := make([]string, k)
			for j := range values {
				values[j] = strings.Repeat("x", random.IntN(200)) + fmt.Sprint(rows+j)
			}
			c.Batch, rows = arrowio.BatchOf(arrowio.Of("text", values)), rows+k
		}
		for range random.IntN(4) {
			refused++
			c.Rejects = append(c.Rejects, source.Refuse("f", int64(refused), "odd", make([]byte, raw)))
		}
		all = append(all, c)
	}
	return all, rows, refused
}

func drain(t *testing.T, s flow.Stream) (out []*flow.Chunk) {
	t.Helper()
	for {
		c, err := s.Next(t.Context())
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, c)
	}
}

// lines are chunks as text, to compare.
func lines(cs []*flow.Chunk) (out []string) {
	for _, c := range cs {
		text := arrowio.Digest(c.Batch.Data) + " " + string(c.After)
		for _, r := range c.Refused {
			text += fmt.Sprintf(" %s:%d", r.File, r.Line)
		}
		out = append(out, text)
	}
	return out
}

// Reading on from any cursor gives what followed it, to the byte, whatever the source's chunks are; no row and no refused record is lost or comes twice.
func TestReadingOnFromAnyCursorGivesWhatFollowed(t *testing.T) {
	for _, c := range []struct {
		name string
		raw  int
	}{{"small refused records", 10}, {"large ones, which do not wait for a batch", 60 << 10}} {
		t.Run(c.name, func(t *testing.T) {
			all, rows, refused := mixed(rand.New(rand.NewPCG(1, 2)), 80, c.raw)
			open := opening(t, all)
			const size = 8 << 10
			begin, err := ingestor.Cut(open, nil, size)
			if err != nil {
				t.Fatal(err)
			}
			whole := drain(t, begin)
			want, gotRows, gotRefused, batches := lines(whole), 0, 0, 0
			for i, x := range whole {
				gotRows, gotRefused = gotRows+int(x.Batch.Rows), gotRefused+len(x.Refused)
				if batches += min(1, len(x.Batch.Data)); len(x.Batch.Data) > size {
					t.Errorf("chunk %d has %d bytes, more than %d", i, len(x.Batch.Data), size)
				}
				on, err := ingestor.Cut(open, x.After, size)
				if err != nil {
					t.Fatal(err)
				}
				if got := lines(drain(t, on)); !slices.Equal(got, want[i+1:]) {
					t.Fatalf("after chunk %d, at %s:\n%s\nwant\n%s", i, x.After, strings.Join(got, "\n"), strings.Join(want[i+1:], "\n"))
				}
			}
			if gotRows != rows || gotRefused != refused || batches < 10 {
				t.Errorf("%d rows in %d batches and %d refused, of %d and %d", gotRows, batches, gotRefused, rows, refused)
			}
		})
	}
}

// A cursor of something else is refused with what to do.
func FuzzACursorIsReadOrRefused(f *testing.F) {
	for _, seed := range []string{`{"at":3,"rows":2,"said":1}`, `{"rows":-1}`, `[]`, `{"said":99999999}`, ``} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, cursor []byte) {
		s, err := ingestor.Cut(func(source.Cursor) source.Stream { return &chunks{} }, cursor, 1<<10)
		var e *flow.Error
		if err != nil && (!errors.As(err, &e) || !strings.Contains(e.Message, "new run")) {
			t.Fatal(err)
		}
		if err == nil {
			drain(t, s)
		}
	})
}
