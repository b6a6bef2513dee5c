package gx_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/leathq/leat/pkg/arrowio"
	"github.com/leathq/leat/services/validator/internal/gx"
	"github.com/leathq/leat/services/validator/internal/sqlite"
)

// oneCase is one line of testdata/gx_open: an expectation, its data, and what the real GX 1.24 said.
type oneCase struct {
	ID      string
	Type    string
	Kwargs  json.RawMessage
	Cols    json.RawMessage
	RF      json.RawMessage
	Engine  string
	Success *bool
	Result  json.RawMessage

	ConfigError, Exception, Raised string
}

func (c *oneCase) UnmarshalJSON(data []byte) error {
	var raw struct {
		ID          string          `json:"id"`
		Type        string          `json:"type"`
		Kwargs      json.RawMessage `json:"kwargs"`
		Cols        json.RawMessage `json:"cols"`
		RF          json.RawMessage `json:"rf"`
		Engine      string          `json:"engine"`
		Success     *bool           `json:"success"`
		Result      json.RawMessage `json:"result"`
		ConfigError string          `json:"config_error"`
		Exception   string          `json:"exception"`
		Raised      string          `json:"raised"`
	}
	err := json.Unmarshal(data, &raw)
	*c = oneCase{raw.ID, raw.Type, raw.Kwargs, raw.Cols, raw.RF, raw.Engine, raw.Success, raw.Result, raw.ConfigError, raw.Exception, raw.Raised}
	return err
}

func readCases(t *testing.T, pattern string) []oneCase {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases at %s: %v", pattern, err)
	}
	var all []oneCase
	for _, name := range files {
		f, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(f)
		lines.Buffer(nil, 64<<20)
		for lines.Scan() {
			var c oneCase
			if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			all = append(all, c)
		}
		f.Close()
	}
	return all
}

// table builds the case's columns as one batch.
func (c *oneCase) table(t *testing.T) *arrowio.Batch {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(string(c.Cols)))
	d.UseNumber()
	if _, err := d.Token(); err != nil {
		t.Fatal(err)
	}
	s := &arrowio.Schema{}
	var values [][]any
	for d.More() {
		name, _ := d.Token()
		var col []any
		if err := d.Decode(&col); err != nil {
			t.Fatal(err)
		}
		s.Fields = append(s.Fields, arrowio.Field{Name: name.(string), Type: typeNamed(t, col[0].(string)), Nullable: true})
		values = append(values, col[1].([]any))
	}
	b := arrowio.NewBuilder(s)
	for i, col := range values {
		for _, v := range col {
			if err := b.Column(i).Value(goValue(t, s.Fields[i].Type, v)); err != nil {
				t.Fatalf("case %s, column %s, %v: %v", c.ID, s.Fields[i].Name, v, err)
			}
		}
	}
	return b.Batch()
}

func typeNamed(t *testing.T, name string) arrowio.Type {
	t.Helper()
	other := map[string]string{"timestamp[us,UTC]": "timestamp[us, tz=UTC]", "decimal128(10,2)": "decimal128(10, 2)",
		"dictionary<string>": "dictionary<values=string, indices=int32>", "list<int64>": "list<item: int64>",
		"timestamp[us,Europe/Berlin]": "timestamp[us, tz=Europe/Berlin]", "decimal128(20,0)": "decimal128(20, 0)"}
	if o, ok := other[name]; ok {
		name = o
	}
	ty, err := arrowio.ParseType(name)
	if err != nil {
		t.Fatal(err)
	}
	return ty
}

func goValue(t *testing.T, ty arrowio.Type, v any) any {
	t.Helper()
	if l, ok := v.([]any); ok {
		out := make([]any, len(l))
		for i, x := range l {
			out[i] = goValue(t, ty.Elem[0].Type, x)
		}
		return out
	}
	if v == nil {
		return nil
	}
	text := fmt.Sprint(v)
	switch ty.Kind {
	case arrowio.Float32, arrowio.Float64:
		f, err := strconv.ParseFloat(text, 64)
		if err != nil {
			t.Fatal(err)
		}
		return f
	case arrowio.Timestamp, arrowio.Date32:
		for _, layout := range []string{"2006-01-02T15:04:05.999999999Z07:00", "2006-01-02T15:04:05.999999999", "2006-01-02"} {
			if at, err := time.Parse(layout, text); err == nil {
				return at
			}
		}
		t.Fatalf("no time: %s", text)
	case arrowio.Decimal128:
		r, _ := new(big.Rat).SetString(text)
		return r
	case arrowio.Uint64:
		n, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		return n
	case arrowio.Bool, arrowio.String, arrowio.LargeString, arrowio.Dictionary:
		return v
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func (c *oneCase) suite(t *testing.T) *gx.Suite {
	t.Helper()
	s, err := gx.ParseSuite(fmt.Appendf(nil, `{"name":"case","expectations":[{"type":%q,"kwargs":%s}]}`, c.Type, c.Kwargs))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (c *oneCase) options(t *testing.T) gx.Options {
	t.Helper()
	f := gx.ResultFormat{Level: gx.Complete, Partial: -1}
	if len(c.RF) > 0 {
		var err error
		if f, err = gx.ReadResultFormat(c.RF); err != nil {
			t.Fatal(err)
		}
	}
	return gx.Options{Format: f, SQL: c.Engine == "sqlite", Database: database, Tables: map[string]int64{"other": 5}}
}

func database() (gx.Database, error) { return sqlite.Open("") }
