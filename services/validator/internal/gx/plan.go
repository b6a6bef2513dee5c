package gx

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/leathq/leat/pkg/arrowio"
	"github.com/leathq/leat/services/validator/internal/pyre"
	"github.com/leathq/leat/services/validator/internal/spill"
)

// Options say how a suite is run.
type Options struct {
	Format     ResultFormat     // of expectations that name none of their own
	Parameters map[string]any   // values of {"$PARAMETER": name}, before those that the suite carries
	Now        time.Time        // the day whose year a date without one is in; zero: today
	Bytes      int64            // of memory for the values of one column; 0: what each kind of state takes by itself
	Space      spill.Space      // where values go above that; nil: Add refuses
	SQL        bool             // run what GX runs only where there is a database (LIKE, queries), as it does on SQLite
	Tables     map[string]int64 // rows of other tables, by the name that a suite has for them

	SQLBytes int64  // of all rows that queries in SQL may be asked of, above which they fail; 0: 256 MiB
	Raise    string // what an error says to do where they are more, such as "raise x.y"; empty: raise the bound
	Apart    bool   // states only count the rows for queries in SQL: whoever ends one reads them anew, for ResultOf

	Database func() (Database, error) // makes an empty one for queries in SQL; nil: they fail and say so
}

// part is the partial state of something over some rows in order.
type part interface {
	// add takes the next rows and returns those that fail, nil where none does or the question is not about rows.
	add(p *pass) (failed mask, err error)
	merge(next part, shift int64) error
}

// finisher is a part that one expectation's outcome comes from.
type finisher interface {
	part
	finish(e *ending) outcome
}

// starter makes parts of no rows.
type starter interface{ start() part }

// item is one expectation of a plan. One of refusal, failure and finish says what becomes of it.
type item struct {
	expectation Expectation
	ordinal     int
	entry       entry
	args        Object
	shown       Object // kwargs as results show them
	format      ResultFormat
	refusal     error // GX would not build it
	failure     error // GX would fail once it runs
	judged      bool  // the failure comes from judging values: see late
	raised      bool  // the failure would leave GX's validation itself
	part        int
	finish      func(p part, e *ending) outcome
}

// Plan is a suite compiled for one schema. It is immutable; concurrent use is safe.
type Plan struct {
	suite      *Suite
	schema     *arrowio.Schema
	options    Options
	items      []*item
	conditions []*condition
	failures   []error // of conditions
	starters   []starter
	shared     map[string]int
	sieves     map[int]*pyre.Sieve // by column that patterns are looked for in
}

// Compile prepares a suite for batches of a schema. An expectation that GX refuses, or that is not known here, stays part
// of the plan and has a result that says so. An error says that no result could be made at all.
func Compile(s *Suite, schema *arrowio.Schema, o Options) (*Plan, error) {
	if name, twice := schema.Duplicate(); twice {
		return nil, fmt.Errorf("the data has two columns %q; rename one, since expectations name columns", name)
	}
	p := &Plan{suite: s, schema: schema, options: o, conditions: []*condition{nil}, failures: []error{nil}, shared: map[string]int{}, sieves: map[int]*pyre.Sieve{}}
	for i, e := range s.Expectations {
		it := &item{expectation: e, shown: e.Kwargs, ordinal: i, part: -1}
		p.items = append(p.items, it)
		if err := p.prepare(it); err != nil {
			it.refusal = err
		}
	}
	return p, nil
}

// prepare finds out what becomes of an expectation; an error is why GX would not build it.
func (p *Plan) prepare(it *item) error {
	e, known := catalog[it.expectation.Type]
	if !known {
		return unknown(it.expectation.Type)
	}
	kwargs, err := p.parameters(it.expectation.Kwargs)
	if err != nil {
		return it.fails(err)
	}
	it.entry = e
	if it.args, err = e.check(kwargs); err != nil {
		return err
	}
	it.shown = kwargsShown(kwargs, it.args)
	it.format = p.options.Format
	if own, ok := kwargs.Get("result_format"); ok && own != nil {
		if it.format, err = ParseResultFormat(own); err != nil {
			return refuse("%s", err)
		}
	}
	cond := 0
	if e.condition {
		if cond, err = p.condition(kwargs); err != nil {
			return err
		}
	}
	build, ok := builders[it.expectation.Type]
	if !ok {
		it.failure = fmt.Errorf("%s needs a database: GX has no provider of it for tables in memory", it.expectation.Type)
		return nil
	}
	b := &builder{plan: p, item: it, condition: cond}
	if err := build(b); err != nil {
		return b.settle(err)
	}
	if p.failures[cond] != nil {
		it.failure = p.failures[cond]
	}
	return nil
}

// fails notes why GX fails once it runs the expectation, which it does build.
func (it *item) fails(why error) error {
	it.failure = why
	return nil
}

func unknown(name string) error {
	if near, ok := Nearest(name); ok {
		return refuse("there is no expectation %q; did you mean %q?", name, near)
	}
	return refuse("there is no expectation %q; see docs/expectations.md for those there are", name)
}

// condition registers the row condition of an expectation and returns its number; equal ones are worked out once.
func (p *Plan) condition(kwargs Object) (int, error) {
	c, err := conditionOf(kwargs)
	if err != nil || c == nil {
		return 0, err
	}
	raw, _ := kwargs.Get("row_condition")
	parser, _ := kwargs.Get("condition_parser")
	name := "condition " + string(appendJSON(appendJSON(nil, raw), parser))
	if i, ok := p.shared[name]; ok {
		return i, nil
	}
	_, failure := c.rows(newPass(emptyBatch(p.schema), 0))
	if failure != nil {
		c = nil // nothing is asked of it: every expectation that has it fails
	}
	p.conditions, p.failures = append(p.conditions, c), append(p.failures, failure)
	p.shared[name] = len(p.conditions) - 1
	return p.shared[name], nil
}

// share registers a part under a name; parts of one name are one.
func (p *Plan) share(name string, s starter) int {
	if i, ok := p.shared[name]; ok && name != "" {
		return i
	}
	p.starters = append(p.starters, s)
	if name != "" {
		p.shared[name] = len(p.starters) - 1
	}
	return len(p.starters) - 1
}

// String lists what the plan does, a line an expectation: for tests and for people who look for a mistake.
func (p *Plan) String() string {
	var b strings.Builder
	for i, it := range p.items {
		kwargs, _ := json.Marshal(it.expectation.Kwargs)
		fmt.Fprintf(&b, "%d %s %s", i, it.expectation.Type, kwargs)
		for _, err := range []error{it.refusal, it.failure} {
			if err != nil {
				fmt.Fprintf(&b, ": %s", err)
			}
		}
		b.WriteByte('\n')
	}
	return b.String()
}
