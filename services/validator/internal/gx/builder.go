package gx

import (
	"errors"
	"fmt"
)

// builder is what the makers of checks work with: one expectation of a plan.
type builder struct {
	plan      *Plan
	item      *item
	condition int
	quiet     bool // what is registered now does not tell which rows fail: another variant of it does
}

// build makes an expectation's parts, or returns why GX fails once it runs it (or, a *Refusal, will not build it).
type build func(b *builder) error

// raise marks a failure that leaves GX's validation itself.
type raise struct{ error }

// late marks a failure that GX meets when it judges the values, not when it finds them: its result then keeps its place among the others.
type late struct{ error }

func (b *builder) settle(err error) error {
	var refusal *Refusal
	if errors.As(err, &refusal) {
		return err
	}
	var r raise
	b.item.raised = errors.As(err, &r)
	var l late
	b.item.judged = errors.As(err, &l)
	b.item.failure = err
	return nil
}

func (b *builder) arg(name string) any {
	v, _ := b.item.args.Get(name)
	return v
}

func (b *builder) text(name string) string {
	s, _ := b.arg(name).(string)
	return s
}

// word is a kwarg that is one of a few words.
func (b *builder) word(name, otherwise string) string {
	if s := b.text(name); s != "" {
		return s
	}
	return otherwise
}

func (b *builder) flag(name string) bool {
	f, _ := b.arg(name).(bool)
	return f
}

func (b *builder) list(name string) []any {
	l, _ := b.arg(name).([]any)
	return l
}

// column finds a column by the kwarg that names it.
func (b *builder) column(kwarg string) (int, error) { return b.named(b.text(kwarg)) }

func (b *builder) named(name string) (int, error) {
	if i := b.plan.schema.Index(name); i >= 0 {
		return i, nil
	}
	return 0, pythonErrorf("Error: The column %q in BatchData does not exist.", name)
}

func (b *builder) class(column int) class { return classOf(b.plan.schema.Fields[column].Type) }

// rows registers a check about rows.
func (b *builder) rows(r *rowCheck) error {
	r.condition, r.elements, r.format, r.mostly = b.condition, b.condition, b.item.format, 1
	r.quiet = b.quiet
	r.ordinal, r.width = b.item.ordinal, len(b.plan.schema.Fields)
	if r.unfiltered {
		r.condition = 0
	}
	if m, ok := b.arg("mostly").(float64); ok {
		r.mostly = m
	}
	for _, name := range r.format.IndexNames {
		i := b.plan.schema.Index(name)
		if i < 0 {
			return pythonErrorf("Error: The unexpected_index_column %q does not exist in Dataframe. Please check your configuration and try again.", name)
		}
		r.index = append(r.index, i)
	}
	b.item.part = b.plan.share("", r)
	b.item.finish = func(p part, e *ending) outcome { return p.(finisher).finish(e) }
	return nil
}

// one registers a check about the rows of the kwarg "column" that hold a value.
func (b *builder) one(test func(v *view, considered mask) (mask, error)) error {
	c, err := b.column("column")
	if err != nil {
		return err
	}
	return b.rows(&rowCheck{columns: []int{c}, counts: "column", test: func(p *pass, m mask) (mask, error) { return test(p.view(c), m) }})
}

func lateErrorf(format string, args ...any) error { return late{fmt.Errorf(format, args...)} }
