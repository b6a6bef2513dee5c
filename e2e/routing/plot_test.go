package routing_test

import (
	"flag"
	"fmt"
	"image/color"
	"os"
	"slices"
	"sync"
	"testing"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/plotutil"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"

	"github.com/leathq/leat/pkg/pool"
)

// picture makes the comparisons draw the times to first token of what they compared.
var picture = flag.String("plot", "", "file for the picture of docs/routing.md, as SVG; use it with -every-policy")

// drawn is what the picture shows, by the test's name.
var drawn struct {
	sync.Mutex
	panels []panel
}

type panel struct {
	title    string
	policies []string
	results  []*result
}

func draws(title string, policies []string, results []*result) {
	drawn.Lock()
	defer drawn.Unlock()
	drawn.panels = append(drawn.panels, panel{title, policies, results})
}

func TestMain(m *testing.M) {
	flag.Parse()
	code := m.Run()
	if *picture != "" && code == 0 {
		if err := paint(*picture); err != nil {
			fmt.Fprintln(os.Stderr, "plot:", err)
			code = 1
		}
	}
	os.Exit(code)
}

// paint draws for each comparison which share of the requests had their first token by when.
func paint(file string) error {
	const width, height = 11 * vg.Centimeter, 10 * vg.Centimeter
	const columns = 2
	rows := (len(drawn.panels) + columns - 1) / columns
	c := vgsvg.New(columns*width, height*vg.Length(rows))
	tiles := draw.Tiles{Cols: columns, Rows: rows, PadY: 4 * vg.Millimeter, PadX: 4 * vg.Millimeter, PadTop: 2 * vg.Millimeter, PadBottom: 2 * vg.Millimeter, PadRight: 3 * vg.Millimeter}
	area := draw.New(c)
	area.SetColor(color.White)
	area.Fill(area.Rectangle.Path())
	for i, p := range drawn.panels {
		pl, err := p.plot()
		if err != nil {
			return err
		}
		pl.Draw(tiles.At(area, i%columns, i/columns))
	}
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	if _, err := c.WriteTo(f); err != nil {
		return err
	}
	return f.Close()
}

func (p *panel) plot() (*plot.Plot, error) {
	pl := plot.New()
	pl.Title.Text = p.title
	pl.X.Label.Text, pl.Y.Label.Text = "time to first token, ms", "share of requests"
	pl.X.Scale, pl.X.Tick.Marker = plot.LogScale{}, plot.LogTicks{Prec: -1}
	pl.Y.Min, pl.Y.Max = 0, 1
	pl.Title.TextStyle.Font.Size, pl.Legend.TextStyle.Font.Size = 10, 8
	for i, policy := range pool.Policies() { // of one colour in every panel
		at := slices.Index(p.policies, policy)
		if at < 0 {
			continue
		}
		const points = 200
		xy := make(plotter.XYs, points)
		for j := range xy {
			q := float64(j) / (points - 1)
			xy[j] = plotter.XY{X: max(p.results[at].quantile(q).Seconds()*1000, 1), Y: q}
		}
		line, err := plotter.NewLine(xy)
		if err != nil {
			return nil, err
		}
		line.Color, line.Dashes, line.Width = plotutil.Color(i), plotutil.Dashes(i), vg.Points(1.5)
		pl.Add(line)
		pl.Legend.Add(policy+"    ", line)
	}
	return pl, nil
}
