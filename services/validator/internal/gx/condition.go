package gx

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"

	"github.com/leathq/leat/pkg/arrowio"
)

// maxConditions is how many comparisons GX takes in one row condition.
const maxConditions = 100

// condition is a row condition, compiled. err is set where GX fails once it runs it.
type condition struct {
	root *node
	err  error
}

// conditionOf reads the row condition of an expectation in any of its forms: a string for pandas, a string of the form
// col("x") > 1, or GX 1.9's objects. A *Refusal is returned where GX would not build the expectation; nil where there is
// no condition.
func conditionOf(kwargs Object) (*condition, error) {
	raw, _ := kwargs.Get("row_condition")
	parser, _ := kwargs.Get("condition_parser")
	switch parser {
	case nil, "pandas", "spark", "great_expectations", "great_expectations__experimental__":
	default:
		return nil, refuse("condition_parser: unknown parser %v; use pandas or great_expectations", parser)
	}
	switch raw := raw.(type) {
	case nil:
		return nil, nil
	case string:
		if parser == "great_expectations" || parser == "great_expectations__experimental__" {
			root, err := legacyCondition(raw)
			return &condition{root: root}, err
		}
		root, err := parseQuery(raw)
		if err != nil {
			err = fmt.Errorf("the row condition %q: %w", raw, err)
		}
		return &condition{root: root, err: err}, nil
	case Object:
		total := 0
		root, err := objectCondition(raw, "", &total)
		return &condition{root: root}, err
	}
	return nil, refuse("row_condition: neither a string nor an object")
}

var legacyForm = regexp.MustCompile(`^\s*col\("([^"]*)"\)\s*(?:(\.(?i:notnull)\(\))|(>=|<=|==|!=|>|<)\s*(?:([+-]?\d+(?:\.\d*)?(?:[eE][+-]?\d+)?)|(date\s*\(\s*)?(?:"([^"']+)"|'([^"']+)')(\s*\))?))\s*$`)

// legacyCondition reads the grammar of parser great_expectations: one comparison, or notnull().
func legacyCondition(src string) (*node, error) {
	m := legacyForm.FindStringSubmatch(src)
	if m == nil || (m[5] == "") != (m[8] == "") {
		return nil, refuse("row_condition: %q is not of the form col(\"name\") > 5, col(\"name\") == \"text\" or col(\"name\").notnull()", src)
	}
	col := &node{op: "col", value: m[1]}
	if m[2] != "" {
		return &node{op: "notnull", args: []*node{col}}, nil
	}
	lit := &node{op: "lit", value: m[6] + m[7]}
	if m[4] != "" {
		lit.value = plainNumber(m[4])
	}
	return &node{op: m[3], args: []*node{col, lit}}, nil
}

func plainNumber(s string) any {
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return n
	}
	f, _ := strconv.ParseFloat(s, 64) // the form was checked; out of range is an infinity, as in Python
	return f
}

// objectCondition reads GX 1.9's conditions; in names the group around this one.
func objectCondition(o Object, in string, total *int) (*node, error) {
	if *total++; *total > maxConditions {
		return nil, refuse("row_condition: %d conditions is the maximum", maxConditions)
	}
	switch kind := text(o, "type"); kind {
	case "comparison":
		return comparisonObject(o)
	case "nullity":
		null, ok := o.Get("is_null")
		flag, isFlag := null.(bool)
		if name := text(object(o, "column"), "name"); ok && isFlag && name != "" {
			op := map[bool]string{true: "isnull", false: "notnull"}[flag]
			return &node{op: op, args: []*node{{op: "col", value: name}}}, nil
		}
		return nil, refuse("row_condition: a nullity needs \"column\" and \"is_null\"")
	case "and", "or":
		if in == "or" && kind == "or" || in == "and" && kind == "or" {
			return nil, refuse("row_condition: %q groups cannot contain \"or\" groups", in)
		}
		return groupObject(o, kind, total)
	case "pass_through":
		return passThrough(text(o, "pass_through_filter")), nil
	default:
		return nil, refuse("row_condition: unknown type %q of condition", kind)
	}
}

// passThrough reads a condition that GX hands on: a mistake in it shows once the condition is asked for.
func passThrough(src string) *node {
	root, err := parseQuery(src)
	if err == nil {
		return root
	}
	return &node{op: "fail", value: err.Error()}
}

func groupObject(o Object, kind string, total *int) (*node, error) {
	raw, _ := o.Get("conditions")
	list, ok := raw.([]any)
	if !ok || len(list) == 0 {
		return nil, refuse("row_condition: an %q needs \"conditions\"", kind)
	}
	*total--
	var all *node
	for _, c := range list {
		part, ok := c.(Object)
		if !ok {
			return nil, refuse("row_condition: a condition inside %q is not an object", kind)
		}
		n, err := objectCondition(part, kind, total)
		if err != nil {
			return nil, err
		}
		if all != nil {
			n = &node{op: kind, args: []*node{all, n}}
		}
		all = n
	}
	return all, nil
}

func comparisonObject(o Object) (*node, error) {
	op, name := text(o, "operator"), text(object(o, "column"), "name")
	value, _ := o.Get("parameter")
	col := &node{op: "col", value: name}
	if name == "" || !slices.Contains([]string{"==", "!=", "<", "<=", ">", ">=", "IN", "NOT_IN"}, op) {
		return nil, refuse("row_condition: a comparison needs \"column\" and a known \"operator\"")
	}
	if op != "IN" && op != "NOT_IN" {
		if value == nil {
			return nil, refuse("row_condition: a comparison with null; use a nullity")
		}
		return &node{op: op, args: []*node{col, {op: "lit", value: value}}}, nil
	}
	list, ok := value.([]any)
	if !ok {
		return nil, refuse("row_condition: %s needs a list", op)
	}
	set := &node{op: "list"}
	for _, v := range list {
		if !sameSort(list[0], v) {
			return nil, refuse("row_condition: %s needs numbers only, or texts only", op)
		}
		set.args = append(set.args, &node{op: "lit", value: v})
	}
	return &node{op: map[string]string{"IN": "in", "NOT_IN": "not in"}[op], args: []*node{col, set}}, nil
}

func sameSort(a, b any) bool {
	number := func(v any) bool {
		switch v.(type) {
		case int64, float64:
			return true
		}
		return false
	}
	_, aText := a.(string)
	_, bText := b.(string)
	return number(a) && number(b) || aText && bText
}

// rows returns the rows of a batch that meet the condition.
func (c *condition) rows(p *pass) (mask, error) {
	if c.err != nil {
		return nil, c.err
	}
	return truth(c.root, p)
}

// emptyBatch is a batch of no rows, on which mistakes of type show.
func emptyBatch(s *arrowio.Schema) *arrowio.Batch { return arrowio.NewBuilder(s).Batch() }
