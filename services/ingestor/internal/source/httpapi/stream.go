package httpapi

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/leathq/leat/services/ingestor/internal/source"
	"github.com/leathq/leat/services/ingestor/internal/source/record"
)

// batchBytes is from how many bytes of rows on pages make a batch.
const batchBytes = 512 << 10

// place is a cursor: the page to read next, and what came before it.
type place struct {
	Next    string `json:"next"` // a link, a cursor or a number, by the kind of paging
	Done    bool   `json:"done,omitempty"`
	Pages   int64  `json:"pages"`
	Records int64  `json:"records"`
	Bytes   int64  `json:"bytes"`
}

type stream struct {
	s    *Source
	sp   spec
	at   place
	rows *record.Rows
	last time.Time // when the last request began
	err  error     // of an earlier Next: what it had read is lost, so it must not be read on
}

// Next reads pages until they make a batch.
func (st *stream) Next(ctx context.Context) (c *source.Chunk, err error) {
	if st.err != nil {
		return nil, st.err
	}
	defer func() { st.err = err }()
	if st.at.Done {
		return nil, io.EOF
	}
	c = &source.Chunk{}
	for !st.at.Done && st.rows.Bytes() < batchBytes && len(c.Rejects) < 1000 {
		p, err := st.fetch(ctx, st.at.Next)
		if err != nil {
			return nil, err
		}
		for i, raw := range p.records {
			if err := st.rows.Add(raw, nil); err != nil {
				c.Rejects = append(c.Rejects, source.Refuse(plain(st.s.first), st.at.Records+int64(i)+1, err.Error(), raw))
			}
		}
		if err := st.step(p); err != nil {
			return nil, err
		}
	}
	return st.chunk(c)
}

func (st *stream) chunk(c *source.Chunk) (_ *source.Chunk, err error) {
	if st.rows.Len() > 0 {
		if c.Batch, err = st.rows.Batch(); err != nil {
			return nil, err
		}
	}
	c.After, err = json.Marshal(st.at)
	return c, err
}

// step goes on after a page.
func (st *stream) step(p *answer) error {
	next, more := st.s.next(st.at, p)
	if more && next == st.at.Next {
		return &source.Error{Code: "paging_loop", Message: fmt.Sprintf("source http: %s: page %d names itself as the next; check `paging`", plain(st.s.first), st.at.Pages+1)}
	}
	st.at.Next, st.at.Done = next, !more
	st.at.Pages++
	st.at.Records += int64(len(p.records))
	st.at.Bytes += p.bytes
	if c := st.s.cfg; c.Pages > 0 && st.at.Pages >= c.Pages || c.Bytes > 0 && st.at.Bytes >= c.Bytes {
		st.at.Done = true
	}
	return nil
}

// Close has nothing to let go of: every answer is read whole.
func (st *stream) Close() error { return nil }
