package dataset

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/leathq/leat/pkg/arrowio"
	"github.com/leathq/leat/pkg/arrowio/file"
)

// verify reads a shard whole, and compares it with its digest.
func (d *Datasets) verify(ctx context.Context, s Shard) error {
	r, err := d.Open(ctx, s.Path, s.Digest)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, r)
	return errors.Join(err, r.Close())
}

// drain gives each what a reader has.
func drain(r file.Reader, name string, each func(*arrowio.Batch) error) error {
	for {
		b, err := r.Next()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("read %s: %w", name, err)
		}
		if err := each(b); err != nil {
			return err
		}
	}
}
