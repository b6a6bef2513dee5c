package gx

// rowCheck is what all expectations about rows share: which rows they consider, what they do with those that fail.
type rowCheck struct {
	columns    []int // of the domain, in the order of the result
	condition  int
	counts     string // what gives the considered rows: "column", "nulls" (rows without a value too), or an ignore_row_if
	many       bool   // values are objects by column
	format     ResultFormat
	index      []int // columns of unexpected_index_column_names
	mostly     float64
	width      int  // columns of the data
	sql        bool // as on a database: rows have no numbers
	quiet      bool // its failing rows are not told: see builder.quiet
	unnamed    bool // GX forgets the names of index columns
	unfiltered bool // GX forgets the row condition in all but element_count
	test       func(p *pass, considered mask) (pass mask, err error)
	ordinal    int
	elements   int // the condition of the rows that element_count counts
}

// rowPart is the partial result of a rowCheck over some rows in order.
type rowPart struct {
	check      *rowCheck
	Elements   int64 // rows the condition keeps
	Considered int64
	Unexpected int64
	Values     [][]any // of failing rows, a cell a column of the domain, up to the format's bound
	Indexes    []int64 // of failing rows
	Keys       [][]any // of failing rows, cells of the index columns (and of the domain's)
	Rows       [][]any // of failing rows, cells of all columns
	Error      string  // why GX would fail here
}

func (r *rowCheck) start() part { return &rowPart{check: r} }

// considered is the rows of the batch that the check looks at.
func (r *rowCheck) considered(p *pass) mask {
	kept := p.kept[r.condition]
	switch r.counts {
	case "nulls", "neither", "never":
		return kept
	case "both_values_are_missing", "all_values_are_missing":
		some := p.view(r.columns[0]).present
		for _, c := range r.columns[1:] {
			some = some.or(p.view(c).present)
		}
		return kept.and(some)
	}
	for _, c := range r.columns {
		kept = kept.and(p.view(c).present)
	}
	return kept
}

func (s *rowPart) add(p *pass) (mask, error) {
	r := s.check
	s.Elements += int64(p.keptN[r.elements])
	rows := r.considered(p)
	n := rows.count(p.n)
	s.Considered += int64(n)
	if s.Error != "" || n == 0 {
		return nil, nil
	}
	good, err := r.test(p, rows)
	if err != nil { // what GX would fail with is part of the result
		s.Error = err.Error()
	}
	if s.Error != "" || good == nil {
		return nil, nil
	}
	failed, some := without(rows, good, p.n)
	if !some {
		return nil, nil
	}
	s.note(p, failed)
	return failed, nil
}

// without is the rows that are not good, and whether there are any.
func without(rows, good mask, n int) (mask, bool) {
	var any uint64
	for w := range good {
		any |= rows.word(w, n) &^ good[w]
	}
	if any == 0 {
		return nil, false
	}
	m := make(mask, len(good))
	for w := range good {
		m[w] = rows.word(w, n) &^ good[w]
	}
	return m, true
}

// note counts failing rows and keeps of them what the format shows.
func (s *rowPart) note(p *pass, failed mask) {
	f := s.check.format
	s.Unexpected += int64(failed.count(p.n))
	values, indexes := f.values(), f.indexes()
	failed.each(p.n, func(i int) bool {
		wantIndex := indexes < 0 || len(s.Indexes) < indexes
		if wantIndex {
			s.Indexes = append(s.Indexes, p.first+int64(i))
			if len(s.check.index) > 0 {
				s.Keys = append(s.Keys, cells(p, i, s.check.columns, s.check.index))
			}
		}
		wantValue := len(s.Values) < values
		if wantValue {
			s.Values = append(s.Values, cells(p, i, s.check.columns))
			if f.IncludeRows {
				s.Rows = append(s.Rows, cells(p, i, every(len(p.views))))
			}
		}
		return wantIndex || wantValue
	})
}

func every(n int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	return all
}

func cells(p *pass, row int, columns ...[]int) []any {
	var out []any
	for _, list := range columns {
		for _, c := range list {
			out = append(out, p.view(c).cell(row))
		}
	}
	return out
}

// merge takes the rows of a part that follows; shift is how many rows came before its first.
func (s *rowPart) merge(next part, shift int64) error {
	o := next.(*rowPart)
	f := s.check.format
	s.Elements += o.Elements
	s.Considered += o.Considered
	s.Unexpected += o.Unexpected
	if s.Error == "" {
		s.Error = o.Error
	}
	indexes := f.indexes()
	for i, at := range o.Indexes {
		if indexes >= 0 && len(s.Indexes) >= indexes {
			break
		}
		s.Indexes = append(s.Indexes, at+shift)
		if i < len(o.Keys) {
			s.Keys = append(s.Keys, o.Keys[i])
		}
	}
	for i, v := range o.Values {
		if len(s.Values) >= f.values() {
			break
		}
		s.Values = append(s.Values, v)
		if i < len(o.Rows) {
			s.Rows = append(s.Rows, o.Rows[i])
		}
	}
	return nil
}
