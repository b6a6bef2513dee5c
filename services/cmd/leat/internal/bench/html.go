package bench

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"math"
)

//go:embed report.html.tmpl
var pageText string

// page is what the template shows.
type page struct {
	*Report
	Title     string
	Rows      []namedQuantiles
	Plots     []template.HTML
	Processes []ProcessUse
}

// WriteHTML writes a page with tables and plots (inline SVG). It loads nothing: it works offline.
func (rep *Report) WriteHTML(out io.Writer) error {
	functions := template.FuncMap{"number": number, "mb": megabytes, "name": ErrorCount.name,
		"percent": func(share float64) string { return fmt.Sprintf("%.2f %%", 100*share) },
		"fixed":   func(digits int, v float64) string { return fmt.Sprintf("%.*f", digits, v) }}
	t, err := template.New("report").Funcs(functions).Parse(pageText)
	if err != nil {
		return fmt.Errorf("parse report page: %w", err)
	}
	processes := append(rep.Processes[:len(rep.Processes):len(rep.Processes)], rep.Own)
	return t.Execute(out, page{Report: rep, Title: rep.title(), Rows: rep.rows(), Plots: rep.plots(), Processes: processes})
}

func (rep *Report) plots() []template.HTML {
	plots := []plot{
		{title: "Latency by quantile", y: "ms", quantiles: true, lines: []line{curve("latency", rep.Latency), curve("service time", rep.ServiceTime)}},
	}
	if rep.Config.Stream {
		plots = append(plots,
			plot{title: "Time to first token by quantile", y: "ms", quantiles: true, lines: []line{curve("TTFT", rep.TTFT)}},
			plot{title: "Inter-token gap and time per output token by quantile", y: "ms", quantiles: true,
				lines: []line{curve("gap", rep.Gaps), curve("TPOT", rep.TPOT)}})
	}
	over := func(name string, value func(Point) float64) line {
		l := line{name: name}
		for _, p := range rep.Series {
			l.points = append(l.points, [2]float64{p.Second, value(p)})
		}
		return l
	}
	plots = append(plots,
		plot{title: "Latency by intended time of sending", x: "s", y: "ms", lines: []line{
			over("p50", func(p Point) float64 { return p.LatencyP50 }), over("p99", func(p Point) float64 { return p.LatencyP99 })}},
		plot{title: "Requests per second", x: "s", y: "1/s", lines: []line{
			over("answered", func(p Point) float64 { return p.RequestsPerSecond }), over("failed", func(p Point) float64 { return p.ErrorsPerSecond })}},
		plot{title: "Output tokens per second", x: "s", y: "1/s", lines: []line{over("tokens", func(p Point) float64 { return p.TokensPerSecond })}})
	var drawn []template.HTML
	for _, p := range plots {
		if p.drawable() {
			drawn = append(drawn, p.svg())
		}
	}
	return drawn
}

// curve places quantiles on an axis where every further nine has the same width.
func curve(name string, q Quantiles) line {
	l := line{name: name}
	for _, p := range q.Curve {
		if float64(q.Count)*(1-p.Q) < 1 && p.Q > .5 {
			break // beyond what so few values can tell
		}
		l.points = append(l.points, [2]float64{nines(p.Q), p.Value})
	}
	return l
}

// nines is 0 for the minimum, 1 for p90, 2 for p99.
func nines(q float64) float64 { return -math.Log10(1 - q) }
