package datacmd

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/leathq/leat/pkg/dataset"
)

func diffCommand() command {
	own := &JSONOption{}
	return stored(command{name: "diff", operands: "FROM TO", least: 2, most: 2, own: own,
		about: "Shows how a version differs from another: schema, books, shards, statistics.\nFROM is NAME@VERSION or NAME; TO as well, or a version of the same dataset."}, func(ctx context.Context, s *session) error {
		from, err := s.get(ctx, s.operands[0])
		if err != nil {
			return err
		}
		to, err := s.get(ctx, target(from.Name, s.operands[1]))
		if err != nil {
			return err
		}
		d := dataset.Compare(from, to)
		if own.JSON {
			return printIndented(s.out, d)
		}
		return diff(s.out, d)
	})
}

// target is what the second operand means: @VERSION and latest belong to the first one's dataset.
func target(name, operand string) string {
	if strings.HasPrefix(operand, "@") {
		return name + operand
	}
	if operand == "latest" {
		return name
	}
	return operand
}

func diff(out io.Writer, d *dataset.Diff) error {
	fmt.Fprintf(out, "%s@%s → %s@%s\n", d.From.Name, dataset.Short(d.From.Version), d.To.Name, dataset.Short(d.To.Version))
	if d.From == d.To {
		fmt.Fprintln(out, "the same version")
		return nil
	}
	w := table(out)
	fmt.Fprintln(w, "\nROWS\tFROM\tTO\tCHANGE")
	a, b := d.Counts[0], d.Counts[1]
	for _, r := range []struct {
		kind     string
		from, to int64
	}{{"in", a.In, b.In}, {"valid", a.Valid, b.Valid}, {"quarantined", a.Quarantined, b.Quarantined}, {"refused", a.Refused, b.Refused}} {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", r.kind, number(r.from), number(r.to), change(r.from, r.to))
	}
	s := d.Shards
	fmt.Fprintf(w, "\nSHARDS\tCOUNT\tSIZE\nshared\t%d\t%s\nnew\t%d\t%s\ngone\t%d\t%s\n",
		s.Shared, size(s.SharedBytes), s.New, size(s.NewBytes), s.Gone, size(s.GoneBytes))
	if err := w.Flush(); err != nil {
		return err
	}
	diffSchema(out, d)
	return diffColumns(out, d)
}

func change(from, to int64) string {
	if from == to {
		return "="
	}
	sign := "+"
	if to < from {
		sign = ""
	}
	if from == 0 {
		return sign + number(to)
	}
	return fmt.Sprintf("%s%s (%+.1f %%)", sign, number(to-from), 100*float64(to-from)/float64(from))
}

func diffSchema(out io.Writer, d *dataset.Diff) {
	if len(d.Schema) == 0 {
		fmt.Fprintln(out, "\nthe same schema")
		return
	}
	fmt.Fprintln(out, "\nSCHEMA")
	for _, c := range d.Schema {
		switch {
		case c.From == nil:
			fmt.Fprintf(out, "  + %s\n", field(c.To))
		case c.To == nil:
			fmt.Fprintf(out, "  - %s\n", field(c.From))
		default:
			fmt.Fprintf(out, "  ~ %s → %s\n", field(c.From), field(c.To))
		}
	}
}

func field(f *dataset.Field) string {
	s := clean(f.Name) + " " + clean(f.Type)
	if !f.Nullable {
		s += " not null"
	}
	return s
}

func diffColumns(out io.Writer, d *dataset.Diff) error {
	if len(d.Columns) == 0 {
		return nil
	}
	w := table(out)
	fmt.Fprintln(w, "\nCOLUMN\tNULLS\tMIN\tMAX")
	for _, c := range d.Columns {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", clean(c.To.Name), moved(number(c.From.Nulls), number(c.To.Nulls)),
			moved(bound(c.From.Min), bound(c.To.Min)), moved(bound(c.From.Max), bound(c.To.Max)))
	}
	return w.Flush()
}

func moved(from, to string) string {
	if from == to {
		return to
	}
	return from + " → " + to
}
