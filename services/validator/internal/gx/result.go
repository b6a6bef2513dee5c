package gx

import "fmt"

// Result is what one expectation came to.
type Result struct {
	Success     *bool // nil where GX would not build the expectation
	Expectation Expectation
	Result      Object
	Refusal     string // GX would not build the expectation (or it is not known): why
	Exception   string // GX fails while it runs the expectation: why
	Raised      bool   // the exception leaves GX's validation itself
}

// SuiteResult is what a suite came to. Success is false where any expectation failed, was refused or is unknown.
type SuiteResult struct {
	Success bool
	Results []Result
}

// Result ends a state. It does not change it: rows may be added after.
func (p *Plan) Result(s *State) (*SuiteResult, error) {
	if s.plan != p {
		return nil, fmt.Errorf("the state is of another plan; load it with this one")
	}
	e := &ending{plan: p, state: s}
	out := &SuiteResult{Success: true}
	for _, it := range p.items {
		r := it.end(e)
		out.Success = out.Success && r.Success != nil && *r.Success
		out.Results = append(out.Results, r)
	}
	return out, nil
}

func (it *item) end(e *ending) Result {
	r := Result{Expectation: it.expectation, Result: Object{}}
	if it.refusal != nil {
		r.Refusal = it.refusal.Error()
		return r
	}
	o := outcome{result: Object{}, err: it.failure}
	if it.failure == nil {
		var p part
		if it.part >= 0 {
			p = e.state.parts[it.part]
		}
		o = it.finish(p, e)
	}
	r.Success, r.Result, r.Raised = &o.success, o.result, it.raised
	if o.err != nil {
		r.Exception, r.Result = o.err.Error(), Object{}
	}
	if it.format.Level == BooleanOnly && !it.format.wantsQuery() {
		r.Result = Object{}
	}
	return r
}
