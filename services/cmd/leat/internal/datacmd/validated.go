package datacmd

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/leathq/leat/services/validator/check"
)

// printResult prints a suite's result for people.
func printResult(out io.Writer, f *finding, refusedAreFit bool) error {
	r := f.result
	failed, unjudged := tally(r)
	word := map[check.Verdict]string{check.Valid: "valid", check.Invalid: "NOT VALID", check.Unknown: "CANNOT BE TOLD"}
	fmt.Fprintf(out, "%s: %s\n", clean(f.title), word[f.verdict(refusedAreFit)])
	fmt.Fprintf(out, "%s rows, %s of them fail a check; %s records refused; %d of %d expectations of suite %q hold\n\n",
		number(f.state.Len()), number(f.failing), number(f.refusals()), len(r.Results)-failed-unjudged, len(r.Results), r.SuiteName)
	t := table(out)
	for _, e := range r.Results {
		fmt.Fprintf(t, "%s\t%s\t%s\n", sign(&e), cut(name(&e), 100), cut(detail(&e), 200))
	}
	return t.Flush()
}

func sign(e *check.Expectation) string {
	switch {
	case e.Refusal != "" || e.Exception != "" || e.Success == nil:
		return "?"
	case *e.Success:
		return "✓"
	}
	return "✗"
}

// name is the expectation with what it was asked.
func name(e *check.Expectation) string {
	short := strings.TrimPrefix(e.Expectation.Type, "expect_")
	var args []string
	for _, m := range e.Expectation.Kwargs {
		if m.Name == "batch_id" {
			continue
		}
		args = append(args, m.Name+"="+text(m.Value))
	}
	return short + "(" + strings.Join(args, ", ") + ")"
}

// detail is what was found: how many rows fail and how they look, or what was observed.
func detail(e *check.Expectation) string {
	switch {
	case e.Refusal != "":
		return e.Refusal
	case e.Exception != "":
		return e.Exception
	}
	if v, ok := e.Result.Get("unexpected_count"); ok {
		n, _ := v.(int64)
		if n == 0 {
			return ""
		}
		share := ""
		if p, ok := e.Result.Get("unexpected_percent"); ok {
			share = fmt.Sprintf(" (%s %%)", text(p))
		}
		if few, ok := e.Result.Get("partial_unexpected_list"); ok {
			return fmt.Sprintf("%s values fail%s: %s", number(n), share, distinct(few))
		}
		return fmt.Sprintf("%s values fail%s", number(n), share)
	}
	if v, ok := e.Result.Get("observed_value"); ok {
		return "found " + text(v)
	}
	return ""
}

// distinct lists values, each once.
func distinct(v any) string {
	list, ok := v.([]any)
	if !ok {
		return text(v)
	}
	var out []string
	for _, x := range list {
		if s := text(x); !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return strings.Join(out, ", ")
}

func text(v any) string {
	if f, ok := v.(float64); ok {
		return fmt.Sprintf("%.4g", f)
	}
	spelt, err := spelled(v, "")
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(spelt)
}
