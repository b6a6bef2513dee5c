package ingestor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/leathq/leat/pkg/arrowio"
	"github.com/leathq/leat/services/ingestor/internal/source"
	"github.com/leathq/leat/services/ingestor/internal/source/record"
)

// natsBatch is from how many bytes on messages make a batch.
const natsBatch = 512 << 10

// natsMessages yields a partition's messages in order.
type natsMessages struct {
	s    *natsSource
	it   jetstream.MessagesContext
	to   uint64
	over bool
}

type natsMessage struct {
	seq     uint64
	subject string
	at      time.Time
	header  nats.Header
	data    []byte
}

func (s *natsSource) messages(ctx context.Context, js jetstream.JetStream, sp natsSpec) (*natsMessages, error) {
	cfg := jetstream.OrderedConsumerConfig{DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: max(sp.From, 1)}
	if s.cfg.Filter != "" {
		cfg.FilterSubjects = []string{s.cfg.Filter}
	}
	c, err := js.OrderedConsumer(ctx, s.cfg.Stream, cfg)
	if err != nil {
		return nil, fmt.Errorf("source nats: read stream %s: %w", s.cfg.Stream, err)
	}
	info, err := c.Info(ctx)
	if err != nil {
		return nil, fmt.Errorf("source nats: read stream %s: %w", s.cfg.Stream, err)
	}
	m := &natsMessages{s: s, to: sp.To, over: sp.From > sp.To || info.NumPending == 0 && info.Delivered.Consumer == 0}
	if m.over {
		return m, nil
	}
	m.it, err = c.Messages(jetstream.PullMaxBytes(4 << 20))
	return m, err
}

// next is nil at the end.
func (m *natsMessages) next(ctx context.Context) (*natsMessage, error) {
	if m.over {
		return nil, nil
	}
	within, cancel := context.WithTimeout(ctx, natsPatience)
	defer cancel()
	msg, err := m.it.Next(jetstream.NextContext(within))
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return nil, fmt.Errorf("source nats: nothing came from stream %s for %s, though it has more", m.s.cfg.Stream, natsPatience)
	}
	if err != nil {
		return nil, fmt.Errorf("source nats: read stream %s: %w", m.s.cfg.Stream, err)
	}
	meta, err := msg.Metadata()
	if err != nil {
		return nil, fmt.Errorf("source nats: read stream %s: %w", m.s.cfg.Stream, err)
	}
	m.over = meta.NumPending == 0 || meta.Sequence.Stream >= m.to
	if meta.Sequence.Stream > m.to {
		return nil, nil
	}
	return &natsMessage{meta.Sequence.Stream, msg.Subject(), meta.Timestamp.UTC(), msg.Headers(), msg.Data()}, nil
}

func (m *natsMessages) close() {
	if m.it != nil {
		m.it.Stop()
	}
}

// natsCursor is the last message that was taken.
type natsCursor struct {
	Sequence uint64 `json:"sequence"`
}

// Open reads on after a message.
func (s *natsSource) Open(ctx context.Context, p source.Part, c source.Cursor) (source.Stream, error) {
	var sp natsSpec
	if err := json.Unmarshal(p.Spec, &sp); err != nil || sp.Schema == nil {
		return nil, source.Errorf(source.Invalid, "source nats: the partition %q is not this source's", p.Name)
	}
	if len(c) > 0 {
		var at natsCursor
		if err := json.Unmarshal(c, &at); err != nil {
			return nil, source.Errorf(source.Invalid, "source nats: the cursor %.100s is not this source's; start the run anew", c)
		}
		sp.From = at.Sequence + 1
	}
	rows, err := record.New(sp.Schema, s.schema != nil)
	if err != nil {
		return nil, source.Errorf(source.Invalid, "source nats: %w", err)
	}
	nc, js, err := s.connect()
	if err != nil {
		return nil, err
	}
	m, err := s.messages(ctx, js, sp)
	if err != nil {
		nc.Close()
		return nil, err
	}
	return &natsStream{s: s, nc: nc, m: m, sp: sp, rows: rows}, nil
}

type natsStream struct {
	s    *natsSource
	nc   *nats.Conn
	m    *natsMessages
	sp   natsSpec
	rows *record.Rows
	err  error // of an earlier Next: the rows of its chunk are lost, so it must not be read on
}

// Next takes messages up to a batch.
func (st *natsStream) Next(ctx context.Context) (c *source.Chunk, err error) {
	if st.err != nil {
		return nil, st.err
	}
	defer func() { st.err = err }()
	c = &source.Chunk{}
	for c.Batch == nil && st.rows.Bytes() < natsBatch && len(c.Rejects) < 1000 {
		msg, err := st.m.next(ctx)
		if err != nil {
			return nil, err
		}
		if msg == nil {
			break
		}
		if err := st.take(c, msg); err != nil {
			c.Rejects = append(c.Rejects, source.Refuse("stream "+st.s.cfg.Stream, int64(msg.seq), err.Error(), msg.data))
		}
		if c.After, err = json.Marshal(natsCursor{msg.seq}); err != nil {
			return nil, err
		}
	}
	if c.After == nil {
		return nil, io.EOF
	}
	if st.rows.Len() > 0 {
		c.Batch, err = st.rows.Batch()
	}
	return c, err
}

// take makes rows of a message; an error says why it is none.
func (st *natsStream) take(c *source.Chunk, msg *natsMessage) error {
	if st.s.cfg.Value == "arrow" {
		b, err := arrowio.Decode(msg.data, arrowio.DefaultLimits())
		if err != nil {
			return err
		}
		if d := st.sp.Schema.Difference(b.Schema()); d != "" {
			return fmt.Errorf("the batch has not the schema of the first: %s", d)
		}
		c.Batch = b
		return nil
	}
	cols := map[string]any{"nats_sequence": msg.seq, "nats_subject": msg.subject, "nats_timestamp": msg.at, "nats_headers": headerRows(msg.header)}
	switch st.s.cfg.Value {
	case "json":
		if len(msg.data) == 0 {
			return errors.New("it is empty")
		}
		return st.rows.Add(msg.data, cols)
	case "text":
		if !utf8.Valid(msg.data) {
			return errors.New("it is not UTF-8; read it with value: bytes")
		}
		cols["value"] = string(msg.data)
	default:
		cols["value"] = append([]byte{}, msg.data...)
	}
	return st.rows.Add(nil, cols)
}

// headerRows are in order of their names: a header has none of its own.
func headerRows(h nats.Header) []any {
	out := []any{}
	for _, k := range slices.Sorted(maps.Keys(h)) {
		for _, v := range h[k] {
			out = append(out, map[string]any{"name": k, "value": v})
		}
	}
	return out
}

// Close lets go of the connection.
func (st *natsStream) Close() error {
	st.m.close()
	st.nc.Close()
	return nil
}
