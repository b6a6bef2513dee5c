package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"time"

	"github.com/leathq/leat/pkg/arrowio"
	"github.com/leathq/leat/services/ingestor/sources/sdk"
)

type cursor struct {
	Key string `json:"key"`
	Row int64  `json:"row"` // how many rows came before
}

// Read streams a partition in the order of its key.
func (s *tables) Read(ctx context.Context, part, at json.RawMessage, w *sdk.Writer) error {
	var sp spec
	if err := json.Unmarshal(part, &sp); err != nil {
		return sdk.Fail("bad_part", "the partition is not this source's: %v", err)
	}
	var c cursor
	var after *string
	if len(at) > 0 {
		if err := json.Unmarshal(at, &c); err != nil {
			return sdk.Fail("bad_cursor", "the cursor %.100s is not this source's; start the run anew", at)
		}
		after = &c.Key
	}
	tx, closed, err := s.cfg.snapshot(ctx)
	if err != nil {
		return err
	}
	defer closed()
	cs, err := s.cfg.columns(ctx, tx)
	if err != nil {
		return err
	}
	if d := w.Schema.Difference(schemaOf(cs)); d != "" {
		return sdk.Fail("schema_changed", "the table is not what it was when the run was planned: %s", d)
	}
	rows, err := s.query(ctx, tx, cs, sp, after, w)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	return (&reading{s: s, w: w, cs: cs, at: c, b: arrowio.NewBuilder(w.Schema)}).all(rows)
}

func (s *tables) query(ctx context.Context, tx *sql.Tx, cs []column, sp spec, after *string, w *sdk.Writer) (*sql.Rows, error) {
	defer w.Working()() // a sort may take long; the database's own limits hold
	list := make([]string, 0, len(cs)+1)
	for _, c := range cs {
		list = append(list, c.sql)
	}
	list = append(list, s.text(of(s.cfg.Key)))
	where, args := s.where(cs, sp, after)
	rows, err := tx.QueryContext(ctx, "SELECT "+strings.Join(list, ", ")+" FROM "+s.cfg.from()+where+" ORDER BY "+of(s.cfg.Key), args...) //nolint:sqlclosecheck // the caller does
	if err != nil {
		return nil, fmt.Errorf("read from %s: %w", s.cfg.Driver, err)
	}
	return rows, nil
}

// reading is the work on a partition.
type reading struct {
	s  *tables
	w  *sdk.Writer
	cs []column
	b  *arrowio.Builder
	at cursor
}

func (r *reading) all(rows *sql.Rows) error {
	vs, to := make([]any, len(r.cs)), make([]any, len(r.cs)+1)
	var key string
	for i := range vs {
		to[i] = &vs[i]
	}
	to[len(vs)] = &key
	for rows.Next() {
		if err := rows.Scan(to...); err != nil {
			return fmt.Errorf("read row %d: %w", r.at.Row+1, err)
		}
		if r.at.Row > 0 && key == r.at.Key {
			return sdk.Fail("key_not_unique", "key: %s has the value %.60q in two rows, and reading on from it would lose one; name a unique column", r.s.cfg.Key, key)
		}
		r.at = cursor{key, r.at.Row + 1}
		if err := r.row(vs); err != nil {
			return err
		}
		if r.b.Bytes() >= sdk.BatchBytes || r.w.Pending() >= 1000 {
			if err := r.flush(); err != nil {
				return err
			}
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("read after row %d: %w", r.at.Row, err)
	}
	if r.b.Rows() == 0 && r.w.Pending() == 0 {
		return nil
	}
	return r.flush()
}

func (r *reading) flush() error {
	if err := r.b.Err(); err != nil {
		return err
	}
	return r.w.Batch(r.b.Batch(), r.at)
}

func (r *reading) row(vs []any) error {
	n := r.b.Rows()
	for i, v := range vs {
		v, err := fit(r.cs[i].field, v)
		if err == nil {
			err = r.b.Column(i).Value(v)
		}
		if err != nil {
			r.b.Truncate(n)
			raw, _ := json.Marshal(vs) // a row that cannot be shown is refused all the same
			return r.w.Reject(r.s.cfg.from(), r.at.Row, err.Error(), raw)
		}
	}
	return nil
}

// fit turns what a driver gives into what the column's builder takes.
func fit(f arrowio.Field, v any) (any, error) {
	switch k := f.Type.Kind; k {
	case arrowio.Decimal128, arrowio.Decimal256:
		if t, ok := v.(string); ok {
			if d, ok := new(big.Rat).SetString(t); ok {
				return d, nil
			}
			return nil, fmt.Errorf("column %q is %s and cannot hold %.60s", f.Name, f.Type, t)
		}
	case arrowio.Time64:
		if t, ok := v.(string); ok {
			return clock(f, t)
		}
	case arrowio.Bool:
		if n, ok := v.(int64); ok && n|1 == 1 {
			return n == 1, nil
		}
	case arrowio.Timestamp:
		if t, ok := v.(string); ok {
			return moment(f, t)
		}
	case arrowio.String:
		switch v := v.(type) {
		case int64:
			return strconv.FormatInt(v, 10), nil
		case float64:
			return strconv.FormatFloat(v, 'g', -1, 64), nil
		}
	}
	return v, nil
}

func clock(f arrowio.Field, t string) (any, error) {
	v, err := time.Parse("15:04:05.999999", t)
	if err != nil { // 24:00:00 is a time in Postgres
		return nil, fmt.Errorf("column %q is %s and cannot hold %q", f.Name, f.Type, t)
	}
	return v.Sub(v.Truncate(24 * time.Hour)), nil
}

func moment(f arrowio.Field, t string) (any, error) {
	for _, layout := range []string{"2006-01-02 15:04:05.999999999", "2006-01-02T15:04:05.999999999Z07:00", time.DateOnly} {
		if v, err := time.Parse(layout, t); err == nil {
			return v, nil
		}
	}
	return nil, fmt.Errorf("column %q is %s and cannot hold %.60q", f.Name, f.Type, t)
}
