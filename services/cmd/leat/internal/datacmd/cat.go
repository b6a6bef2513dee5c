package datacmd

import (
	"bufio"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/big"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/leathq/leat/pkg/arrowio"
	"github.com/leathq/leat/pkg/dataset"
)

type catOptions struct {
	Limit   int64    `yaml:"limit" flag:"limit" doc:"rows at most; 0: all"`
	Columns []string `yaml:"columns" flag:"columns" doc:"columns to print, in this order; none: all"`
	Rows    string   `yaml:"rows" flag:"rows" oneof:"valid|quarantined|refused" doc:"which rows"`
	Format  string   `yaml:"format" flag:"format" oneof:"jsonl|csv" doc:"how"`
}

// errEnough ends reading early.
var errEnough = errors.New("enough")

func catCommand() command {
	own := &catOptions{Rows: "valid", Format: "jsonl"}
	return stored(command{name: "cat", operands: "NAME[@VERSION]", least: 1, most: 1, own: own,
		about: "Prints a version's rows in their order, each shard checked against its digest first.\nVERSION is the beginning of one, or latest."}, func(ctx context.Context, s *session) error {
		m, err := s.get(ctx, s.operands[0])
		if err != nil {
			return err
		}
		return cat(ctx, s, m, own)
	})
}

// printer writes batches in a format.
type printer interface {
	print(b *arrowio.Batch) error
	flush() error
}

func cat(ctx context.Context, s *session, m *dataset.Manifest, o *catOptions) error {
	if o.Limit < 0 {
		return wrong("--limit %d: a number of rows, 0 for all", o.Limit)
	}
	shards := map[string][]dataset.Shard{"valid": m.Shards, "quarantined": m.Quarantine, "refused": m.Rejects}[o.Rows]
	if err := known(o, m); err != nil {
		return err
	}
	read := s.Read
	if o.Rows == "refused" {
		read = s.readRefused
	}
	out := bufio.NewWriter(s.out)
	var p printer = &jsonLines{out: out}
	if o.Format == "csv" {
		p = &commas{out: csv.NewWriter(out)}
	}
	left := o.Limit
	for _, shard := range shards {
		err := read(ctx, shard, o.Columns, func(b *arrowio.Batch) error {
			if o.Limit > 0 {
				b = b.Slice(0, int(min(left, int64(b.Rows()))))
				left -= int64(b.Rows())
			}
			if err := p.print(b); err != nil || o.Limit == 0 || left > 0 {
				return err
			}
			return errEnough
		})
		if errors.Is(err, errEnough) {
			break
		}
		if err != nil {
			return errors.Join(err, p.flush(), out.Flush())
		}
	}
	return errors.Join(p.flush(), out.Flush())
}

// known refuses columns that there are not. Those of quarantined rows are the stage's affair, which adds reasons to them.
func known(o *catOptions, m *dataset.Manifest) error {
	var names []string
	switch o.Rows {
	case "valid":
		for _, f := range m.Schema {
			names = append(names, f.Name)
		}
	case "refused":
		for _, f := range refusedRows(nil).Schema().Fields {
			names = append(names, f.Name)
		}
	default:
		return nil
	}
	for _, c := range o.Columns {
		if !slices.Contains(names, c) {
			return wrong("--columns: the %s rows of %s have no column %q; they have %s", o.Rows, m.Name, c, strings.Join(names, ", "))
		}
	}
	return nil
}

// jsonLines is an object a row, its columns in order.
type jsonLines struct{ out *bufio.Writer }

func (j *jsonLines) print(b *arrowio.Batch) error {
	fields := b.Schema().Fields
	for row := range b.Rows() {
		for i, f := range fields {
			name, err := json.Marshal(f.Name)
			if err != nil {
				return err
			}
			value, err := plain(b.Column(i).Value(row))
			if err != nil {
				return fmt.Errorf("column %q: %w", f.Name, err)
			}
			_, _ = j.out.WriteString(map[bool]string{true: "{", false: ","}[i == 0])
			_, _ = j.out.Write(name)
			_ = j.out.WriteByte(':')
			_, _ = j.out.Write(value)
		}
		if _, err := j.out.WriteString("}\n"); err != nil {
			return err
		}
	}
	return nil
}

func (j *jsonLines) flush() error { return nil }

// plain is a value in JSON. What JSON has no number for is a text; bytes that are no text are base64, as encoding/json has them.
func plain(v any) ([]byte, error) {
	switch x := v.(type) {
	case float64:
		if math.IsNaN(x) || math.IsInf(x, 0) {
			v = fmt.Sprint(x)
		}
	case *big.Rat:
		return []byte(decimal(x)), nil
	case []byte:
		if utf8.Valid(x) {
			v = string(x)
		}
	}
	return spelled(v, "")
}

// decimal is a number whole: its denominator divides a power of ten.
func decimal(x *big.Rat) string {
	n, _ := x.FloatPrec()
	return x.FloatString(n)
}

// commas is a line a row, after one with the names.
type commas struct {
	out   *csv.Writer
	named bool
}

func (c *commas) print(b *arrowio.Batch) error {
	fields := b.Schema().Fields
	line := make([]string, len(fields))
	if !c.named {
		for i, f := range fields {
			line[i] = f.Name
		}
		if err := c.out.Write(line); err != nil {
			return err
		}
		c.named = true
	}
	for row := range b.Rows() {
		for i, f := range fields {
			value, err := bare(b.Column(i).Value(row))
			if err != nil {
				return fmt.Errorf("column %q: %w", f.Name, err)
			}
			line[i] = value
		}
		if err := c.out.Write(line); err != nil {
			return err
		}
	}
	return nil
}

func (c *commas) flush() error {
	c.out.Flush()
	return c.out.Error()
}

// bare is a value as a field of CSV: null is nothing, a text is itself, all else as in JSON.
func bare(v any) (string, error) {
	switch x := v.(type) {
	case nil:
		return "", nil
	case string:
		return x, nil
	}
	data, err := plain(v)
	text := string(data)
	if strings.HasPrefix(text, `"`) {
		return strings.Trim(text, `"`), err
	}
	return text, err
}
