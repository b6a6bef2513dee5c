package gx

import (
	"encoding/hex"
	"fmt"

	"github.com/zeebo/xxh3"
)

// fingerprint names what a state of the plan depends on: the expectations as they run, the schema, the format.
func (p *Plan) fingerprint() string {
	h := xxh3.New()
	fmt.Fprintf(h, "%s\n%+v %t\n", p.schema.Fingerprint(), p.options.Format.key(), p.options.SQL)
	if p.options.SQL && p.options.Apart {
		fmt.Fprintln(h, "rows for SQL apart")
	}
	for _, it := range p.items {
		fmt.Fprintf(h, "%s %s\n", it.expectation.Type, appendJSON(nil, it.args))
		condition, _ := it.expectation.Kwargs.Get("row_condition")
		format, _ := it.expectation.Kwargs.Get("result_format")
		fmt.Fprintf(h, "%s %s\n", appendJSON(nil, condition), appendJSON(nil, format))
	}
	sum := h.Sum128().Bytes()
	return hex.EncodeToString(sum[:])
}

func (f ResultFormat) key() string {
	return fmt.Sprint(f.Level, f.partial(), f.IndexNames, f.IncludeRows, f.NoValues, f.wantsQuery())
}
