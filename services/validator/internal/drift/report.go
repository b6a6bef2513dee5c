package drift

import (
	"errors"
	"maps"
	"math"
	"slices"
)

// Profile is the summaries of a data set's columns by name. A column is in one of the maps.
type Profile struct {
	Numbers    map[string]*Numbers
	Categories map[string]*Categories
}

// Column is how a column of the current data lies to the reference's.
type Column struct {
	Name      string
	Numeric   bool
	Test      Test
	Adjusted  float64 // the test's P, corrected by Holm over all columns; NaN where nothing was compared
	Stability float64 // population stability index
	Distance  float64 // numbers: Wasserstein in deviations of the reference; categories: total variation
	Missing   string  // why nothing was compared; empty where something was
}

// Compare compares the columns of current with those of reference, in order of their names. Columns that only one has, that changed their kind or have no values are listed with the reason.
func Compare(reference, current Profile) []Column {
	names := map[string]bool{}
	for _, p := range []Profile{reference, current} {
		for n := range p.Numbers {
			names[n] = true
		}
		for n := range p.Categories {
			names[n] = true
		}
	}
	var out []Column
	var p []float64
	for _, n := range slices.Sorted(maps.Keys(names)) {
		c := compare(n, reference, current)
		out, p = append(out, c), append(p, c.Test.P)
	}
	for i, v := range Holm(p) {
		out[i].Adjusted = v
	}
	return out
}

func compare(name string, reference, current Profile) Column {
	c := Column{Name: name}
	var errs [3]error
	a, numbers := reference.Numbers[name]
	b, numbersToo := current.Numbers[name]
	x, categories := reference.Categories[name]
	y, categoriesToo := current.Categories[name]
	switch {
	case numbers && numbersToo:
		c.Numeric = true
		c.Test, errs[0] = Smirnov(a, b)
		c.Stability, errs[1] = Stability(a, b)
		c.Distance, errs[2] = Wasserstein(a, b)
	case categories && categoriesToo:
		c.Test, errs[0] = G(x, y, Pool)
		c.Stability, errs[1] = StabilityOfCategories(x, y)
		c.Distance, errs[2] = Variation(x, y)
	case !numbers && !categories:
		errs[0] = errors.New("the reference has no such column")
	case !numbersToo && !categoriesToo:
		errs[0] = errors.New("the data has no such column")
	default:
		errs[0] = errors.New("the column holds numbers on one side and categories on the other")
	}
	for _, err := range errs {
		if err != nil {
			c.Missing = err.Error()
			c.Test, c.Stability, c.Distance = Test{P: math.NaN()}, math.NaN(), math.NaN()
			break
		}
	}
	return c
}
