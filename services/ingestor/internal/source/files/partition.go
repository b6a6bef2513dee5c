package files

import (
	"encoding/json"
	"fmt"
	"path"

	"github.com/leathq/leat/services/ingestor/internal/source"
	"github.com/leathq/leat/services/ingestor/internal/source/table"
)

// partSpec is all that Open needs beside the YAML.
type partSpec struct {
	Layout *table.Layout `json:"layout"`
	Units  []Unit        `json:"units"`
}

// group puts neighbouring units together into at most so many partitions, of about size bytes each unless that makes too many.
func group(units []Unit, size int64, most int) [][]Unit {
	total := int64(0)
	for _, u := range units {
		total += u.Bytes
	}
	size = max(size, total/int64(most), 1)
	for {
		out := cut(units, size)
		if len(out) <= most {
			return out
		}
		size += max(size/8, 1)
	}
}

// cut begins a new group where the next unit would take the last one further beyond size than it is below it now.
func cut(units []Unit, size int64) [][]Unit {
	var out [][]Unit
	held := int64(0)
	for i, u := range units {
		if len(out) == 0 || held+u.Bytes/2 > size {
			out, held = append(out, units[i:i:len(units)]), 0
		}
		last := len(out) - 1
		out[last] = out[last][:len(out[last])+1]
		held += u.Bytes
	}
	return out
}

// part is a partition of units. Its id comes from what is read, not from how it becomes rows.
func part(l *table.Layout, units []Unit) (source.Part, error) {
	p := source.Part{Name: label(units)}
	for _, u := range units {
		p.Bytes += u.Bytes
		p.Rows += u.Rows
	}
	for _, u := range units { // rows are known where they are of all
		if u.Rows == 0 {
			p.Rows = 0
		}
	}
	identity := make([]Unit, len(units))
	for i, u := range units {
		u.Modified = "" // a copy of the same files is the same input
		identity[i] = u
	}
	p.ID = digestOf(identity)
	raw, err := json.Marshal(partSpec{l, units})
	p.Spec = raw
	return p, err
}

// label is a partition's name for people.
func label(units []Unit) string {
	first, last := units[0], units[len(units)-1]
	name := path.Base(first.File)
	if d := path.Base(path.Dir(first.File)); d != "." && d != "/" {
		name = d + "/" + name
	}
	count := 1
	for i := 1; i < len(units); i++ {
		if units[i].File != units[i-1].File {
			count++
		}
	}
	switch {
	case count > 1:
		return fmt.Sprintf("%s … %s (%d files)", name, path.Base(last.File), count)
	case len(first.Groups) > 0:
		return fmt.Sprintf("%s, row groups %d to %d", name, first.Groups[0], last.Groups[len(last.Groups)-1])
	case first.From > 0 || last.To > 0:
		return fmt.Sprintf("%s from byte %d", name, first.From)
	}
	return name
}
