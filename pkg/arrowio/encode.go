package arrowio

import (
	"encoding/hex"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/zeebo/xxh3"
)

// Encode writes a batch as it travels: one Arrow IPC stream of schema, dictionaries, one record batch and the end mark, not compressed. Batches whose schemas
// (metadata included) and values are equal are equal bytes, whatever their slices, nulls' hidden values and dictionaries' order were.
func Encode(b *Batch) ([]byte, error) {
	schema := arrowSchema(b.schema)
	cols := make([]arrow.Array, len(b.columns))
	var size int64
	for i, c := range b.columns {
		d := canonical(c.field, c.data, nil)
		size += bytesOf(d) + 192
		cols[i] = array.MakeFromData(retypeUnless(schema.Field(i).Type, c.field.Type, d))
	}
	out := &sink{data: make([]byte, 0, size+1024)}
	w := ipc.NewWriter(out, ipc.WithSchema(schema))
	rec := array.NewRecordBatch(schema, cols, int64(b.rows))
	if err := w.Write(rec); err != nil {
		return nil, fmt.Errorf("encode a batch: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("encode a batch: %w", err)
	}
	return out.data, nil
}

// retypeUnless gives data the schema's library type, where its own differs in what we do not see (nested metadata, names of a map's parts).
func retypeUnless(dt arrow.DataType, t Type, d arrow.ArrayData) arrow.ArrayData {
	if arrow.TypeEqual(dt, d.DataType(), arrow.CheckMetadata()) {
		return d
	}
	return retype(t, d)
}

// sink is a buffer that starts with about its final size.
type sink struct{ data []byte }

func (s *sink) Write(p []byte) (int, error) {
	s.data = append(s.data, p...)
	return len(p), nil
}

// Digest is what names an encoded batch: "xxh3:" and 32 hex digits of its xxh3-128.
func Digest(data []byte) string {
	sum := xxh3.Hash128(data).Bytes()
	return "xxh3:" + hex.EncodeToString(sum[:])
}
