package gx

func valuesNotNull(b *builder) error { return nulls(b, false) }
func valuesNull(b *builder) error    { return nulls(b, true) }

// nulls is the pair of expectations that look at rows without a value too.
func nulls(b *builder, want bool) error {
	c, err := b.column("column")
	if err != nil {
		return err
	}
	return b.rows(&rowCheck{columns: []int{c}, counts: "nulls", unnamed: want, test: func(p *pass, _ mask) (mask, error) {
		present := p.view(c).present
		if want {
			return present.not(p.n), nil
		}
		return present, nil
	}})
}
