package gx

// oneVocabulary lets a check fail as pandas does where two columns of categories, compared for equality, have different categories. A column's
// categories are the values that it has in any row, also in those that are not considered.
func (b *builder) oneVocabulary(columns ...int) {
	var parts []int
	for _, c := range columns {
		if b.class(c) != isCategory {
			continue
		}
		spec := b.tallySpec(rowCheck{columns: []int{c}, counts: "column"}, 0)
		parts = append(parts, b.plan.share("tally "+place(c, 0), spec))
	}
	if len(parts) < 2 || b.class(columns[0]) != isCategory {
		return
	}
	finish := b.item.finish
	b.item.finish = func(p part, e *ending) outcome {
		first, err := e.state.parts[parts[0]].(*tally).vocabulary()
		for _, other := range parts[1:] {
			words, more := e.state.parts[other].(*tally).vocabulary()
			if err != nil || more != nil {
				return failed(pythonErrorf("reading the categories: %v %v", err, more))
			}
			if !sameKeys(first, words) {
				return failed(pythonError("Categoricals can only be compared if 'categories' are the same."))
			}
		}
		return finish(p, e)
	}
}

// vocabulary is the set of values.
func (t *tally) vocabulary() (map[any]bool, error) {
	out := map[any]bool{}
	err := t.each(func(v tallied) { out[setKey(v.Cell)] = true })
	return out, err
}

func sameKeys(a, b map[any]bool) bool {
	if len(a) != len(b) {
		return false
	}
	for k := range a {
		if !b[k] {
			return false
		}
	}
	return true
}
