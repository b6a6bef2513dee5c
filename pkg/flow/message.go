package flow

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"google.golang.org/protobuf/proto"

	"github.com/leathq/leat/pkg/arrowio"
	"github.com/leathq/leat/pkg/blob"
	datav1 "github.com/leathq/leat/proto/gen/leat/data/v1"
)

// HeaderObject stands beside the headers of a batch (pkg/arrowio) where it is too large for a message: its key in the blob store. The
// message is then empty.
const HeaderObject = "Leat-Object"

// Content types of messages on DATA.
const (
	ContentArrow   = "application/vnd.apache.arrow.stream"
	ContentClosing = "application/x-leat-closing"
)

// largeBatches is where the blob store has a run's batches that are too large for messages, until the run ends.
func largeBatches(run string) string { return "batches/" + run + "/" }

// messageRoom is what a message may take beside its batch: headers and subject. Batches are made as large as a message takes, so the bound for claim checks of
// other payloads, which is lower, is not theirs.
const messageRoom = 4096

// maxBatch bounds a batch that lies in the blob store.
const maxBatch = 1 << 31

// chain is the digest over digests in their order.
func chain(before, digest string) string { return arrowio.Digest([]byte(before + digest)) }

// batch sends a batch with its number and returns its digest. One too large for a message is put into the store first.
func (p *publisher) batch(ctx context.Context, n uint64, batch Batch) (string, error) {
	digest := arrowio.Digest(batch.Data)
	if p.subject == "" {
		return digest, nil
	}
	if err := p.flight.room(ctx, n); err != nil {
		return "", err
	}
	p.flight.sent(n, len(batch.Data))
	m := &nats.Msg{Subject: p.subject, Data: batch.Data, Header: nats.Header{
		jetstream.MsgIDHeader: {p.id(n)}, "content-type": {ContentArrow}, arrowio.HeaderBatch: {strconv.FormatUint(n, 10)},
		arrowio.HeaderRows: {strconv.FormatUint(batch.Rows, 10)}, arrowio.HeaderSchema: {batch.Schema}, arrowio.HeaderDigest: {digest},
	}}
	if len(batch.Data)+messageRoom > p.bus.MaxPayload() {
		run, rest, _ := strings.Cut(strings.TrimPrefix(p.subject, "data."), ".")
		key := largeBatches(run) + strings.ReplaceAll(rest, ".", "/") + "/" + strconv.FormatUint(n, 10) + "-" + strings.TrimPrefix(digest, "xxh3:")
		if err := p.store.Put(ctx, key, bytes.NewReader(batch.Data)); err != nil {
			return "", err
		}
		m.Data = nil
		m.Header.Set(HeaderObject, key)
	}
	return digest, p.send(ctx, m)
}

// id names a message, so that the stream takes it once in a try. What was on DATA is removed when a try ends: the next one sends it again, which must
// not look like a copy.
func (p *publisher) id(n uint64) string {
	return fmt.Sprintf("%s.%d.%d", strings.TrimPrefix(p.subject, "data."), n, p.attempt)
}

// closing sends what ends a partition, and returns when the stream has everything.
func (p *publisher) closing(ctx context.Context, n uint64, c *datav1.Closing) error {
	if p.subject == "" {
		return nil
	}
	data, err := proto.MarshalOptions{Deterministic: true}.Marshal(c)
	if err != nil {
		return fmt.Errorf("encode the closing of %s: %w", p.subject, err)
	}
	err = p.send(ctx, &nats.Msg{Subject: p.subject, Data: data, Header: nats.Header{
		jetstream.MsgIDHeader: {p.id(n)}, "content-type": {ContentClosing}, arrowio.HeaderBatch: {strconv.FormatUint(n, 10)},
	}})
	if err != nil {
		return err
	}
	return p.flush(ctx)
}

// number is which message of its partition this is.
func number(h nats.Header) (uint64, error) {
	n, err := strconv.ParseUint(h.Get(arrowio.HeaderBatch), 10, 64)
	if err != nil {
		return 0, &Undecodable{fmt.Errorf("the header %s is %.40q, which is no number", arrowio.HeaderBatch, h.Get(arrowio.HeaderBatch))}
	}
	return n, nil
}

// incoming reads the batch of a message, or the end of its partition, and checks its digest.
func incoming(ctx context.Context, store *blob.Store, h nats.Header, data []byte) (batch Batch, digest string, end *datav1.Closing, err error) {
	if h.Get("content-type") == ContentClosing {
		end = &datav1.Closing{}
		if err := proto.Unmarshal(data, end); err != nil {
			return Batch{}, "", nil, &Undecodable{fmt.Errorf("its closing: %w", err)}
		}
		return Batch{}, "", end, nil
	}
	rows, err := strconv.ParseUint(h.Get(arrowio.HeaderRows), 10, 64)
	if err != nil {
		return Batch{}, "", nil, &Undecodable{fmt.Errorf("the header %s is %.40q, which is no number", arrowio.HeaderRows, h.Get(arrowio.HeaderRows))}
	}
	batch = Batch{Data: data, Rows: rows, Schema: h.Get(arrowio.HeaderSchema)}
	if key := h.Get(HeaderObject); key != "" {
		if batch.Data, err = fetch(ctx, store, key); err != nil {
			return Batch{}, "", nil, err
		}
	}
	digest = arrowio.Digest(batch.Data)
	if given := h.Get(arrowio.HeaderDigest); given != digest {
		return Batch{}, "", nil, &Undecodable{fmt.Errorf("its digest is %s and its header says %.60q", digest, given)}
	}
	return batch, digest, nil, nil
}

func fetch(ctx context.Context, store *blob.Store, key string) ([]byte, error) {
	r, err := store.Get(ctx, key)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	data, err := io.ReadAll(io.LimitReader(r, maxBatch+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", key, err)
	}
	if len(data) > maxBatch {
		return nil, &Undecodable{fmt.Errorf("%s has more than %d bytes", key, maxBatch)}
	}
	return data, nil
}
