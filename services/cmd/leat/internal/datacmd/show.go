package datacmd

import (
	"context"
	"fmt"
	"io"

	"github.com/leathq/leat/pkg/dataset"
)

func showCommand() command {
	own := &JSONOption{}
	return stored(command{name: "show", operands: "NAME[@VERSION]", least: 1, most: 1, own: own,
		about: "Shows a version: its books, verdict, schema, statistics, shards and where it comes from.\nVERSION is the beginning of one, or latest."}, func(ctx context.Context, s *session) error {
		m, err := s.get(ctx, s.operands[0])
		if err != nil {
			return err
		}
		if own.JSON {
			return printIndented(s.out, m)
		}
		return show(s.out, m, s.Store().URL())
	})
}

func show(out io.Writer, m *dataset.Manifest, store string) error {
	w := table(out)
	fmt.Fprintf(w, "dataset\t%s\nversion\t%s\ncreated\t%s\n", m.Name, m.Version, m.Created.UTC().Format("2006-01-02 15:04:05 MST"))
	for _, f := range [][2]string{{"run", m.Run}, {"code", m.Code}, {"store", store}, {"verdict", verdict(m)}} {
		if f[1] != "" {
			fmt.Fprintf(w, "%s\t%s\n", f[0], clean(f[1]))
		}
	}
	if m.Suite != nil {
		fmt.Fprintf(w, "suite\t%s: %d of %d expectations met (%s)\n", clean(m.Suite.Name), m.Suite.Met, m.Suite.Of, dataset.Short(m.Suite.Digest))
	}
	for _, v := range m.Verdicts {
		fmt.Fprintf(w, "\t%s: %s  %s\n", clean(v.Gate), clean(v.Status), clean(v.Reason))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if err := showBooks(out, m); err != nil {
		return err
	}
	if err := showColumns(out, m); err != nil {
		return err
	}
	tree(out, m)
	return nil
}

func showBooks(out io.Writer, m *dataset.Manifest) error {
	w := table(out)
	fmt.Fprintf(w, "\nROWS\t\tSHARDS\tSIZE\n")
	for _, k := range []struct {
		kind   string
		rows   int64
		shards []dataset.Shard
	}{{"valid", m.Counts.Valid, m.Shards}, {"quarantined", m.Counts.Quarantined, m.Quarantine}, {"refused", m.Counts.Refused, m.Rejects}} {
		fmt.Fprintf(w, "%s\t%s\t%d\t%s\n", k.kind, number(k.rows), len(k.shards), size(dataset.Bytes(k.shards)))
	}
	fmt.Fprintf(w, "in\t%s\t\t\n", number(m.Counts.In))
	for _, f := range m.Files {
		fmt.Fprintf(w, "%s\t\t\t%s\n", clean(f.Name), size(f.Bytes))
	}
	return w.Flush()
}

func showColumns(out io.Writer, m *dataset.Manifest) error {
	found := map[string]dataset.Column{}
	for _, c := range m.Statistics {
		found[c.Name] = c
	}
	w := table(out)
	fmt.Fprintf(w, "\nCOLUMN\tTYPE\tNULLS\tMIN\tMAX\tSIZE\n")
	for _, f := range m.Schema {
		nulls, bytes := "-", "-"
		c, ok := found[f.Name]
		if ok {
			nulls, bytes = number(c.Nulls), size(c.Bytes)
		}
		kind := f.Type
		if !f.Nullable {
			kind += " not null"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", clean(f.Name), clean(kind), nulls, bound(c.Min), bound(c.Max), bytes)
	}
	return w.Flush()
}

// mostSources is how many of many the tree shows.
const mostSources = 10

// tree shows where a version comes from, the version at its root.
func tree(out io.Writer, m *dataset.Manifest) {
	fmt.Fprintf(out, "\n%s@%s\n", m.Name, dataset.Short(m.Version))
	indent := ""
	for i := len(m.Lineage) - 1; i >= 0; i-- {
		s := m.Lineage[i]
		fmt.Fprintf(out, "%s└─ %s (%s)  %s rows in, %s out\n", indent, clean(s.Stage), clean(s.Service), number(s.In), number(s.Out))
		indent += "   "
	}
	var leaves []string
	for _, p := range m.Parents {
		leaves = append(leaves, fmt.Sprintf("%s@%s", p.Name, dataset.Short(p.Version)))
	}
	for i, s := range m.Sources {
		if i == mostSources && len(m.Sources) > mostSources+1 {
			leaves = append(leaves, fmt.Sprintf("… and %d more (--json has them)", len(m.Sources)-i))
			break
		}
		leaves = append(leaves, fmt.Sprintf("%s %s  %s", clean(s.Kind), clean(s.Name), size(s.Bytes)))
	}
	for i, l := range leaves {
		branch := "├─ "
		if i == len(leaves)-1 {
			branch = "└─ "
		}
		fmt.Fprintln(out, indent+branch+l)
	}
}
