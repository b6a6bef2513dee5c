package data_test

import (
	"fmt"
	"image/color"
	"os"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/plotutil"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

const heading = "## Data runs"

// section is what was measured, as docs/benchmarks.md has it.
func section(about string, all []*sample) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: source → ingestor → JetStream → validator → dataset\n\n%s\n\n", heading, about)
	b.WriteString("Written by `make data-speed`. Parquet files of ten columns (about 400 bytes a row) are read by one ingestor, go as Arrow batches through a nats-server whose stream lies in files, and\n" +
		"through one validator that holds each row against eight expectations, writes the valid ones and the others as Parquet shards, and keeps the state of the suite: three processes, the\n" +
		"nats-server with GOMEMLIMIT=256MiB. Bytes are " +
		"Arrow bytes. NATS alone is one publisher and one consumer of messages of 700 KiB at the same server, right after the run. Memory is the peak of resident memory (VmHWM).\n\n")
	b.WriteString("| Arrow MB | rows | seconds | MB/s | NATS alone, MB/s | ingestor: MB, CPU s | validator: MB, CPU s | nats-server: MB, CPU s |\n|---:|---:|---:|---:|---:|---:|---:|---:|\n")
	for _, s := range all {
		fmt.Fprintf(&b, "| %d | %d | %.1f | %.0f | %.0f |", s.bytes/1e6, s.rows, s.took.Seconds(), s.rate()/1e6, s.raw/1e6)
		for _, name := range services {
			fmt.Fprintf(&b, " %d, %.1f |", s.memory[name]/1e6, s.cpu[name].Seconds())
		}
		b.WriteByte('\n')
	}
	b.WriteString("\n| what | bar | measured | held |\n|---|---|---|:---:|\n")
	last, most := all[len(all)-1], int64(0)
	for _, s := range all {
		most = max(most, s.memory["ingestor"], s.memory["validator"])
	}
	fmt.Fprintf(&b, "| a whole run on two cores | ≥ 60 MB/s | %.0f MB/s | %s |\n", last.rate()/1e6, held(last.rate() >= leastRate))
	fmt.Fprintf(&b, "| memory of a service, from %d MB to %d MB of input | ≤ 300 MB | %d MB | %s |\n\n![Memory over the size of the input](img/data-memory.svg)\n",
		all[0].bytes/1e6, last.bytes/1e6, most/1e6, held(most <= mostMemory))
	return b.String()
}

func held(ok bool) string {
	if ok {
		return "yes"
	}
	return "**no**"
}

// write puts a section in the place of the one that is there, or at the end.
func write(path, section string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	before, rest, found := strings.Cut(string(data), heading)
	after := ""
	if found {
		if i := strings.Index(rest, "\n## "); i >= 0 {
			after = rest[i:]
		}
	}
	return os.WriteFile(path, []byte(strings.TrimRight(before, "\n")+"\n\n"+strings.TrimRight(section, "\n")+"\n"+after), 0o600)
}

// paint draws the peak of each process's memory over the size of the input.
func paint(path string, all []*sample) error {
	p := plot.New()
	p.Title.Text = "peak of resident memory of a data run's processes"
	p.X.Label.Text, p.Y.Label.Text = "input, MB of Arrow data", "MB"
	p.X.Scale, p.X.Tick.Marker = plot.LogScale{}, plot.LogTicks{Prec: -1}
	p.Y.Min, p.Y.Max = 0, 400
	for _, s := range all {
		for _, m := range s.memory {
			p.Y.Max = max(p.Y.Max, float64(m)/1e6*1.3)
		}
	}
	p.Legend.Top = true
	for i, name := range services {
		var at plotter.XYs
		for _, s := range all {
			at = append(at, plotter.XY{X: float64(s.bytes) / 1e6, Y: float64(s.memory[name]) / 1e6})
		}
		line, points, err := plotter.NewLinePoints(at)
		if err != nil {
			return err
		}
		line.Color, line.Width, points.Color, points.Shape = plotutil.Color(i), vg.Points(1.5), plotutil.Color(i), draw.CircleGlyph{}
		p.Add(line, points)
		p.Legend.Add(name+"    ", line)
	}
	bar, err := plotter.NewLine(plotter.XYs{{X: float64(all[0].bytes) / 1e6, Y: mostMemory / 1e6}, {X: float64(all[len(all)-1].bytes) / 1e6, Y: mostMemory / 1e6}})
	if err != nil {
		return err
	}
	bar.Dashes, bar.Color = plotutil.Dashes(1), color.Gray{Y: 120}
	p.Add(bar)
	p.Legend.Add("bar for a service    ", bar)
	c := vgsvg.New(16*vg.Centimeter, 10*vg.Centimeter)
	area := draw.New(c)
	area.SetColor(color.White) // for readers on dark pages
	area.Fill(area.Rectangle.Path())
	p.Draw(draw.Crop(area, 2*vg.Millimeter, -4*vg.Millimeter, 2*vg.Millimeter, -2*vg.Millimeter))
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	if _, err := c.WriteTo(f); err != nil {
		return err
	}
	return f.Close()
}
