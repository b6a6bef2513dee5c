package delta

import (
	"context"
	"encoding/json"
	"errors"
	"io"

	"github.com/leathq/leat/pkg/arrowio"
	"github.com/leathq/leat/pkg/arrowio/file"
	"github.com/leathq/leat/services/ingestor/internal/source"
)

// checkpoint calls f with the actions of a checkpoint, or a part of one.
func (l *log) checkpoint(ctx context.Context, name string, f func(action) error) error {
	in, err := l.tree.Open(ctx, name)
	if err != nil {
		return err
	}
	defer in.Close()
	damaged := func(err error) error {
		return source.Errorf(source.Malformed, "%s: the checkpoint cannot be read: %w", name, err)
	}
	whole, err := file.OpenParquet(in, in.Size(), file.Options{})
	if err != nil {
		return damaged(err)
	}
	defer whole.Close() //nolint:errcheck // only read
	var columns []string
	for _, c := range []string{"add", "metaData", "protocol"} { // what a checkpoint removes is not there anyway
		if whole.Schema().Index(c) >= 0 {
			columns = append(columns, c)
		}
	}
	if len(columns) == 0 {
		return damaged(errors.New("it has none of the columns add, metaData and protocol"))
	}
	r, err := file.OpenParquet(in, in.Size(), file.Options{Columns: columns})
	if err != nil {
		return damaged(err)
	}
	defer r.Close() //nolint:errcheck // only read
	for {
		b, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return damaged(err)
		}
		if err := actions(b, f); err != nil {
			return damaged(err)
		}
	}
}

// actions goes over a batch by way of JSON, in which the log's own lines are: checkpoints are small beside what they describe.
func actions(b *arrowio.Batch, f func(action) error) error {
	for i := range b.Schema().Fields {
		c := b.Column(i)
		for row := range b.Rows() {
			v, ok := c.Value(row).(map[string]any)
			if !ok {
				continue
			}
			for k, e := range v {
				v[k] = plain(e, c.Field().Type, k)
			}
			raw, err := json.Marshal(map[string]any{c.Field().Name: v})
			if err != nil {
				return err
			}
			a, err := parse(raw)
			if err != nil {
				return err
			}
			if err := f(a); err != nil {
				return err
			}
		}
	}
	return nil
}

// plain is a value as JSON has it: maps as objects; what no action needs, and JSON may not have, as nothing.
func plain(v any, t arrowio.Type, field string) any {
	for _, e := range t.Elem {
		if e.Name != field {
			continue
		}
		switch e.Type.Kind {
		case arrowio.Map:
			return object(v, e.Type)
		case arrowio.Struct:
			if field != "format" && field != "deletionVector" {
				return nil // parsed statistics and partition values
			}
		}
	}
	return v
}

func object(v any, t arrowio.Type) any {
	entries, ok := v.([]any)
	if !ok {
		return v
	}
	out := map[string]any{}
	for _, e := range entries {
		if m, ok := e.(map[string]any); ok {
			if k, ok := m[t.Elem[0].Name].(string); ok {
				out[k] = m[t.Elem[1].Name]
			}
		}
	}
	return out
}
