package gx

import (
	"errors"
	"fmt"
)

// Result is what one expectation came to.
type Result struct {
	Success     *bool // nil where GX would not build the expectation: that fails the suite
	Expectation Expectation
	Kwargs      Object // as GX shows them: coerced, with parameters put in
	Result      Object
	Refusal     string // GX would not build the expectation (or it is not known): why
	Exception   string // GX fails while it runs the expectation: why
	Raised      bool   // the exception leaves GX's validation itself
	Ordinal     int    // the expectation's place in the suite
	early       bool   // it failed before there was a value to judge: GX lists such first
}

// SuiteResult is what a suite came to. Success is false where any expectation failed, was refused or is unknown.
type SuiteResult struct {
	Success         bool
	Results         []Result // in GX's order
	SuiteName       string
	SuiteParameters Object // parameters that were put in, by name
	Statistics      Statistics
	Meta            Object
	ID              string
}

// Statistics counts the expectations of a suite.
type Statistics struct{ Evaluated, Successful, Unsuccessful int }

// Percent is the share of successful expectations in percent; ok is false where there were none.
func (s Statistics) Percent() (percent float64, ok bool) {
	if s.Evaluated == 0 {
		return 0, false
	}
	return float64(s.Successful) / float64(s.Evaluated) * 100, true
}

// Result ends a state. It does not change it: rows may be added after. Results come in GX's order: those that failed before
// there was a value to judge first, then by column in the order in which the suite first names them; expectations
// that name no column are one group.
func (p *Plan) Result(s *State) (*SuiteResult, error) { return p.ResultOf(s, nil) }

// ResultOf is Result where states only count the rows for queries in SQL (Options.Apart): source has them once more, and is asked at most once.
func (p *Plan) ResultOf(s *State, source Source) (*SuiteResult, error) {
	if s.plan != p {
		return nil, fmt.Errorf("the state is of another plan; load it with this one")
	}
	e := &ending{plan: p, state: s, source: source}
	out := p.end(e)
	if err := errors.Join(e.err, e.close()); err != nil {
		return nil, fmt.Errorf("a database for queries in SQL: %w", err)
	}
	return out, nil
}

func (p *Plan) end(e *ending) *SuiteResult {
	out := &SuiteResult{Success: true, SuiteName: p.suite.Name, SuiteParameters: Object{}, ID: ""}
	out.Meta = Object{{"great_expectations_version", Version}}
	var first, then []Result
	for _, it := range p.order() {
		r := it.end(e)
		good := r.Success != nil && *r.Success
		out.Success = out.Success && good
		out.Statistics.Evaluated++
		out.Statistics.Successful += int(bit(good))
		if r.early {
			first = append(first, r)
		} else {
			then = append(then, r)
		}
	}
	out.Statistics.Unsuccessful = out.Statistics.Evaluated - out.Statistics.Successful
	out.Results = append(first, then...)
	return out
}

// Version is the Great Expectations whose results these are.
const Version = "1.24.1"

// order groups the expectations by column.
func (p *Plan) order() []*item {
	var groups []string
	by := map[string][]*item{}
	for _, it := range p.items {
		name := "\x00none"
		if c, ok := it.expectation.Kwargs.Get("column"); ok {
			if s, isText := c.(string); isText {
				name = s
			}
		}
		if by[name] == nil {
			groups = append(groups, name)
		}
		by[name] = append(by[name], it)
	}
	out := make([]*item, 0, len(p.items))
	for _, g := range groups {
		out = append(out, by[g]...)
	}
	return out
}

func (it *item) end(e *ending) Result {
	r := Result{Expectation: it.expectation, Kwargs: it.shown, Result: Object{}, Ordinal: it.ordinal}
	if it.refusal != nil {
		r.Refusal, r.early = it.refusal.Error(), true
		return r
	}
	o := outcome{result: Object{}, err: it.failure, judged: it.judged}
	if it.failure == nil {
		var p part
		if it.part >= 0 {
			p = e.state.parts[it.part]
		}
		o = it.finish(p, e)
	}
	r.Success, r.Result, r.Raised = &o.success, o.result, it.raised || o.raised
	if o.err != nil {
		r.Exception, r.Result, r.early = o.err.Error(), Object{}, !o.judged
	}
	if it.format.Level == BooleanOnly && (!it.format.wantsQuery() || r.Result.Has("observed_value")) {
		r.Result = Object{}
	}
	return r
}
