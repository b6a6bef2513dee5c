package ingestor

import (
	"encoding/json"

	"github.com/leathq/leat/pkg/flow"
	"github.com/leathq/leat/services/ingestor/internal/source"
)

// Does lets runs have stages of a kind that the test does itself.
func (i *Ingestor) Does(kind string) { i.kinds = append(i.kinds, kind) }

// Cut opens a source's partition from a cursor on, in batches of about so many bytes.
func Cut(open func(source.Cursor) source.Stream, cursor json.RawMessage, bytes int64) (flow.Stream, error) {
	at, err := readPlace(cursor)
	if err != nil {
		return nil, err
	}
	return newStream(open(at.At), at, bytes, func(int, int) {}), nil
}
