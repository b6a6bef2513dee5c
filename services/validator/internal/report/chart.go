package report

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/leathq/leat/services/validator/internal/profile"
)

// chart is a histogram: bars in a box of chartWidth by chartHeight.
type chart struct {
	Label, Low, High string
	Width, Height    float64
	Bars             []rect
}

// rect is a bar with what it says when it is pointed at.
type rect struct {
	X, Y, Width, Height float64
	Title               string
}

const (
	chartWidth  = 320
	chartHeight = 72
)

// draw draws bins; nil where there is nothing to compare.
func draw(what string, bins []profile.Bin, show func(float64) string) *chart {
	most := int64(0)
	for _, b := range bins {
		most = max(most, b.Count)
	}
	if len(bins) < 2 || most == 0 {
		return nil
	}
	low, high := show(bins[0].Low), show(bins[len(bins)-1].High)
	c := &chart{Label: "Histogram of the " + what + ", from " + low + " to " + high, Low: low, High: high, Width: chartWidth, Height: chartHeight}
	step := float64(chartWidth) / float64(len(bins))
	for i, b := range bins {
		if b.Count == 0 {
			continue
		}
		h := max(1.5, chartHeight*float64(b.Count)/float64(most))
		c.Bars = append(c.Bars, rect{X: tenth(float64(i)*step + 0.5), Y: tenth(chartHeight - h), Width: tenth(step - 1), Height: tenth(h),
			Title: show(b.Low) + " to " + show(b.High) + ": " + count(b.Count)})
	}
	return c
}

func tenth(f float64) float64 { return math.Round(f*10) / 10 }

func secondsOf(f float64) string { return stamp(time.Unix(int64(f), 0).UTC()) }

// bar is a value and its share.
type bar struct {
	Value, Count string
	Share        float64 // in percent of rows that hold a value
}

// mostTop is how many values a page lists of a column.
const mostTop = 10

func top(p *profile.Column, r Redact) []bar {
	var out []bar
	for _, v := range p.Values[:min(len(p.Values), mostTop)] {
		text := r.shown(v.Text, 80)
		if p.Class == profile.Number && r != RedactAll {
			text = r.number(v.Number)
		}
		out = append(out, bar{Value: text, Count: count(v.Count), Share: tenth(100 * float64(v.Count) / float64(p.Present()))})
	}
	if more := p.Distinct - int64(len(out)); more > 0 && len(out) > 0 {
		out = append(out, bar{Value: fmt.Sprintf("%s other values", count(more))})
	}
	return out
}

func spaced(s string) string { return strings.ReplaceAll(s, "_", " ") }
