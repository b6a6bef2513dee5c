package datacmd

import (
	"context"
	"fmt"
	"time"

	"github.com/leathq/leat/pkg/dataset"
)

func lsCommand() command {
	own := &JSONOption{}
	return stored(command{name: "ls", operands: "[NAME]", most: 1, own: own,
		about: "Lists datasets, or the versions of one, the newest first."}, func(ctx context.Context, s *session) error {
		if len(s.operands) == 0 {
			return ls(ctx, s, own.JSON)
		}
		return lsVersions(ctx, s, own.JSON)
	})
}

// line is a dataset or a version in the list.
type line struct {
	Name        string         `json:"name"`
	Version     string         `json:"version"`
	Latest      bool           `json:"latest"`
	Versions    int            `json:"versions,omitempty"`
	Created     time.Time      `json:"created"`
	Counts      dataset.Counts `json:"counts"`
	Shards      int            `json:"shards"`
	Bytes       int64          `json:"bytes"`
	SuiteResult string         `json:"verdict"`
}

func lineOf(m *dataset.Manifest, latest bool) line {
	return line{m.Name, m.Version, latest, 0, m.Created, m.Counts, len(m.Shards), dataset.Bytes(m.Shards), verdict(m)}
}

func ls(ctx context.Context, s *session, asJSON bool) error {
	all, err := s.List(ctx)
	if err != nil {
		return err
	}
	lines := []line{}
	for _, d := range all {
		m, err := s.newest(ctx, d)
		if err != nil {
			return err
		}
		l := lineOf(m, m.Version == d.Latest)
		l.Versions = d.Versions
		lines = append(lines, l)
	}
	if asJSON {
		return printIndented(s.out, lines)
	}
	if len(lines) == 0 {
		fmt.Fprintf(s.err, "there are no datasets in %s\n", s.Store().URL())
		return nil
	}
	w := table(s.out)
	fmt.Fprintln(w, "DATASET\tVERSIONS\tLATEST\tCREATED\tROWS\tQUARANTINED\tREFUSED\tSIZE\tVERDICT")
	for _, l := range lines {
		version := dataset.Short(l.Version)
		if !l.Latest {
			version = "none"
		}
		fmt.Fprintf(w, "%s\t%d\t%s\t%s\n", l.Name, l.Versions, version, l.rest())
	}
	return w.Flush()
}

// newest is a dataset's latest version, or where none of its versions ever was the latest, the newest.
func (s *session) newest(ctx context.Context, d dataset.Summary) (*dataset.Manifest, error) {
	if d.Latest != "" {
		return s.Get(ctx, d.Name, d.Latest)
	}
	all, err := s.Versions(ctx, d.Name)
	if err != nil {
		return nil, err
	}
	return all[0], nil
}

func lsVersions(ctx context.Context, s *session, asJSON bool) error {
	all, err := s.Versions(ctx, s.operands[0])
	if err != nil {
		return err
	}
	latest, _ := s.Latest(ctx, s.operands[0]) // none is a fact to show
	lines := []line{}
	for _, m := range all {
		lines = append(lines, lineOf(m, m.Version == latest))
	}
	if asJSON {
		return printIndented(s.out, lines)
	}
	w := table(s.out)
	fmt.Fprintln(w, "VERSION\t\tCREATED\tROWS\tQUARANTINED\tREFUSED\tSIZE\tVERDICT")
	for _, l := range lines {
		mark := ""
		if l.Latest {
			mark = "latest"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\n", dataset.Short(l.Version), mark, l.rest())
	}
	return w.Flush()
}

func (l line) rest() string {
	return fmt.Sprintf("%s\t%s\t%s\t%s\t%s\t%s", l.Created.UTC().Format("2006-01-02 15:04:05"), number(l.Counts.Valid),
		number(l.Counts.Quarantined), number(l.Counts.Refused), size(l.Bytes), l.SuiteResult)
}
