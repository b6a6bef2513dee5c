package bench

import (
	"fmt"
	"html/template"
	"math"
	"strings"
)

// plot is a line chart.
type plot struct {
	title     string
	x, y      string // units
	quantiles bool   // the x axis counts nines
	lines     []line
}

type line struct {
	name   string
	points [][2]float64
}

// The drawing area, in SVG units.
const (
	plotWidth, plotHeight           = 640.0, 260.0
	marginLeft, marginRight         = 62.0, 14.0
	marginTop, marginBottom         = 34.0, 34.0
	innerWidth, innerHeight         = plotWidth - marginLeft - marginRight, plotHeight - marginTop - marginBottom
	ticksWanted             float64 = 5
)

func (p plot) drawable() bool {
	for _, l := range p.lines {
		if len(l.points) > 1 {
			return true
		}
	}
	return false
}

// bounds are the largest x and y; both axes start at zero.
func (p plot) bounds() (xMax, yMax float64) {
	for _, l := range p.lines {
		for _, pt := range l.points {
			xMax, yMax = max(xMax, pt[0]), max(yMax, pt[1])
		}
	}
	if xMax == 0 {
		xMax = 1
	}
	if yMax == 0 {
		yMax = 1
	}
	return xMax, yMax * 1.05
}

// svg draws the chart. All text in it comes from this package, escaped all the same.
func (p plot) svg() template.HTML {
	var b strings.Builder
	xMax, yMax := p.bounds()
	atX := func(v float64) float64 { return marginLeft + v/xMax*innerWidth }
	atY := func(v float64) float64 { return marginTop + (1-v/yMax)*innerHeight }
	fmt.Fprintf(&b, `<svg viewBox="0 0 %g %g" role="img" aria-label="%s">`, plotWidth, plotHeight, template.HTMLEscapeString(p.title))
	fmt.Fprintf(&b, `<text class="title" x="%g" y="16">%s</text>`, marginLeft, template.HTMLEscapeString(p.title))
	for _, v := range ticks(yMax) {
		fmt.Fprintf(&b, `<path class="grid" d="M%g %.1fH%g"/><text class="y" x="%g" y="%.1f">%s</text>`,
			marginLeft, atY(v), plotWidth-marginRight, marginLeft-6, atY(v)+4, tickLabel(v))
	}
	fmt.Fprintf(&b, `<text class="y" x="%g" y="%g">%s</text>`, marginLeft-6, marginTop-10, template.HTMLEscapeString(p.y))
	p.drawX(&b, xMax, atX)
	for i, l := range p.lines {
		drawLine(&b, i, l, atX, atY)
	}
	b.WriteString("</svg>")
	return template.HTML(b.String())
}

func (p plot) drawX(b *strings.Builder, xMax float64, atX func(float64) float64) {
	label := func(at float64, text string) {
		fmt.Fprintf(b, `<text class="x" x="%.1f" y="%g">%s</text>`, at, plotHeight-marginBottom+18, text)
	}
	if p.quantiles {
		for _, q := range []struct {
			q    float64
			text string
		}{{.01, "0"}, {.5, "p50"}, {.9, "p90"}, {.99, "p99"}, {.999, "p99.9"}, {.9999, "p99.99"}} {
			if at := nines(q.q); at <= xMax {
				label(atX(at), q.text)
			}
		}
		return
	}
	for _, v := range ticks(xMax) {
		label(atX(v), tickLabel(v)+" "+p.x)
	}
}

func drawLine(b *strings.Builder, i int, l line, atX, atY func(float64) float64) {
	if len(l.points) == 0 {
		return
	}
	fmt.Fprintf(b, `<polyline class="line c%d" points="`, i)
	for _, pt := range l.points {
		fmt.Fprintf(b, "%.1f,%.1f ", atX(pt[0]), atY(pt[1]))
	}
	fmt.Fprintf(b, `"/><text class="key c%d" x="%g" y="%g">%s</text>`, i, plotWidth-marginRight-float64(110*i), 16.0,
		template.HTMLEscapeString(l.name))
}

// ticks are round values from zero to top.
func ticks(top float64) []float64 {
	raw := top / ticksWanted
	step := math.Pow(10, math.Floor(math.Log10(raw)))
	for _, factor := range []float64{1, 2, 5, 10} {
		if step*factor >= raw {
			step *= factor
			break
		}
	}
	var list []float64
	for i := 0.0; i*step <= top; i++ {
		list = append(list, i*step)
	}
	return list
}

func tickLabel(v float64) string { return fmt.Sprintf("%.6g", v) }
