package main

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/big"
	"strings"

	"github.com/leathq/leat/pkg/arrowio"
	"github.com/leathq/leat/services/ingestor/sources/sdk"
)

// tables is a table or a query.
type tables struct{ cfg config }

// spec bounds a partition: keys above After (nil: from the first) up to To, watermarks above Since (nil: all) up to Until.
type spec struct {
	After *string `json:"after,omitempty"`
	To    string  `json:"to"`
	Since *string `json:"since,omitempty"`
	Until *string `json:"until,omitempty"`
}

type mark struct {
	Watermark string `json:"watermark"`
}

// Plan bounds what is read by the largest key and watermark of now: rows that come later belong to the next run.
func (s *tables) Plan(ctx context.Context, since json.RawMessage) (*sdk.Plan, error) {
	tx, closed, err := s.cfg.snapshot(ctx)
	if err != nil {
		return nil, err
	}
	defer closed()
	cs, err := s.cfg.columns(ctx, tx)
	if err != nil {
		return nil, err
	}
	key, err := find(cs, "key", s.cfg.Key)
	if err != nil {
		return nil, err
	}
	plan := &sdk.Plan{Schema: schemaOf(cs)}
	var sp spec
	if err := s.until(ctx, tx, cs, since, &sp); err != nil {
		return nil, err
	}
	if sp.Until != nil {
		plan.Watermark = mark{*sp.Until}
	} else if sp.Since != nil {
		plan.Watermark = mark{*sp.Since}
	}
	if s.cfg.Watermark != "" && sp.Until == nil {
		return plan, nil // nothing is newer
	}
	plan.Parts, err = s.parts(ctx, tx, cs, key, sp)
	return plan, err
}

func schemaOf(cs []column) *arrowio.Schema {
	out := &arrowio.Schema{}
	for _, c := range cs {
		out.Fields = append(out.Fields, c.field)
	}
	return out
}

// until finds the largest watermark that is newer than since.
func (s *tables) until(ctx context.Context, tx *sql.Tx, cs []column, since json.RawMessage, sp *spec) error {
	if s.cfg.Watermark == "" {
		return nil
	}
	if len(since) > 0 {
		var m mark
		if err := json.Unmarshal(since, &m); err != nil {
			return sdk.Fail("bad_watermark", "the watermark %.100s is not this source's; run with --full", since)
		}
		sp.Since = &m.Watermark
	}
	col, err := find(cs, "watermark", s.cfg.Watermark)
	if err != nil {
		return err
	}
	where, args := s.where(cs, *sp, nil)
	var v sql.NullString
	var nulls int64
	k := of(col.field.Name)
	err = tx.QueryRowContext(ctx, "SELECT (SELECT "+s.text("max("+k+")")+" FROM "+s.cfg.from()+where+"), (SELECT count(*) - count("+k+") FROM "+s.cfg.from()+")", args...).Scan(&v, &nulls)
	if err != nil {
		return fmt.Errorf("find the largest %s: %w", s.cfg.Watermark, err)
	}
	if nulls > 0 {
		return sdk.Fail("null_watermark", "watermark: %s is null in %d rows, which no run would read; give them one by a query with COALESCE", s.cfg.Watermark, nulls)
	}
	if v.Valid {
		sp.Until = &v.String
	}
	return nil
}

// text is an expression as text that the database reads back as the same value.
func (s *tables) text(expr string) string { return "CAST(" + expr + " AS TEXT)" }

// where writes the bounds; after is a cursor's key, which wins over the partition's.
func (s *tables) where(cs []column, sp spec, after *string) (string, []any) {
	var conds []string
	var args []any
	add := func(name, op string, v *string) {
		if v == nil || name == "" {
			return
		}
		c, _ := find(cs, "", name) // was found before
		args = append(args, *v)
		conds = append(conds, of(name)+op+s.param(c, len(args)))
	}
	if after == nil {
		after = sp.After
	}
	add(s.cfg.Key, " > ", after)
	if sp.To != "" {
		add(s.cfg.Key, " <= ", &sp.To)
	}
	add(s.cfg.Watermark, " > ", sp.Since)
	add(s.cfg.Watermark, " <= ", sp.Until)
	if len(conds) == 0 {
		return "", nil
	}
	return " WHERE " + strings.Join(conds, " AND "), args
}

// param is a parameter that comes as text and is compared as the column's type.
func (s *tables) param(c column, n int) string {
	if s.cfg.Driver == "postgres" {
		return fmt.Sprintf("CAST($%d::text AS %s)", n, c.name)
	}
	if k := c.field.Type.Kind; k == arrowio.Int64 || k == arrowio.Float64 {
		return fmt.Sprintf("CAST(?%d AS NUMERIC)", n)
	}
	return fmt.Sprintf("?%d", n)
}

// parts cuts the keys into ranges of equal width.
func (s *tables) parts(ctx context.Context, tx *sql.Tx, cs []column, key column, sp spec) ([]sdk.Part, error) {
	var low, high sql.NullString
	var rows, nulls int64
	where, args := s.where(cs, sp, nil)
	k, rest := of(key.field.Name), " FROM "+s.cfg.from()+where
	// Not min and max: they do not know every type that has an order.
	q := "SELECT (SELECT " + s.text(k) + rest + " ORDER BY " + k + " LIMIT 1), (SELECT " + s.text(k) + rest + " ORDER BY " + k + " DESC LIMIT 1), count(*), count(*) - count(" + k + ")" + rest
	if err := tx.QueryRowContext(ctx, q, args...).Scan(&low, &high, &rows, &nulls); err != nil {
		return nil, fmt.Errorf("find the bounds of %s: %w", s.cfg.Key, err)
	}
	if nulls > 0 {
		return nil, sdk.Fail("null_key", "key: %s is null in %d rows; name a column that is unique and not null", s.cfg.Key, nulls)
	}
	if !high.Valid {
		return nil, nil
	}
	from, whole := new(big.Int).SetString(low.String, 10)
	to, _ := new(big.Int).SetString(high.String, 10)
	if s.cfg.Partitions < 2 {
		sp.To = high.String
		return []sdk.Part{s.part(sp, rows)}, nil
	}
	if kind := key.field.Type.Kind; !whole || to == nil || kind < arrowio.Int8 || kind > arrowio.Int64 {
		return nil, sdk.Fail("bad_config", "partitions: needs a key of integers; %s is %s", s.cfg.Key, key.field.Type)
	}
	var out []sdk.Part
	at := from.Sub(from, big.NewInt(1))
	width := new(big.Int).Sub(to, at)
	for i := range s.cfg.Partitions {
		end := new(big.Int).Mul(width, big.NewInt(int64(i+1)))
		end.Add(end.Div(end, big.NewInt(int64(s.cfg.Partitions))), at)
		begin := new(big.Int).Mul(width, big.NewInt(int64(i)))
		begin.Add(begin.Div(begin, big.NewInt(int64(s.cfg.Partitions))), at)
		if begin.Cmp(end) == 0 {
			continue
		}
		p := sp
		p.To = end.String()
		if b := begin.String(); i > 0 {
			p.After = &b
		}
		out = append(out, s.part(p, 0))
	}
	return out, nil
}

func (s *tables) part(sp spec, rows int64) sdk.Part {
	raw, _ := json.Marshal([]any{s.cfg.Driver, s.cfg.File, s.cfg.Table, s.cfg.Query, s.cfg.Key, sp}) // texts alone
	sum := sha256.Sum256(raw)
	name := s.cfg.Table
	if name == "" {
		name = "query"
	}
	return sdk.Part{ID: hex.EncodeToString(sum[:16]), Name: fmt.Sprintf("%s up to %s %s", name, s.cfg.Key, sp.To), Rows: rows, Spec: sp}
}
