package datacmd

import (
	"context"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/leathq/leat/pkg/dataset"
)

// reportOptions are those of leat data report.
type reportOptions struct {
	Format string `yaml:"format" flag:"format" oneof:"json|html" doc:"json as Great Expectations writes it, or html for people"`
	Output string `yaml:"output" flag:"output" doc:"write the report to this file instead of standard output; it appears whole or not at all"`
}

func reportCommand() command {
	own := &reportOptions{Format: "json"}
	return stored(command{name: "report", operands: "NAME[@VERSION]", least: 1, most: 1, own: own,
		about: "Prints the report of the checks that a version went through."}, func(ctx context.Context, s *session) error {
		m, err := s.get(ctx, s.operands[0])
		if err != nil {
			return err
		}
		return s.report(ctx, m, own)
	})
}

func (s *session) report(ctx context.Context, m *dataset.Manifest, o *reportOptions) error {
	at := slices.IndexFunc(m.Files, func(f dataset.File) bool { return strings.HasSuffix(f.Name, "-report."+o.Format) })
	if at < 0 {
		var there []string
		for _, f := range m.Files {
			if strings.Contains(f.Name, "-report.") {
				there = append(there, strings.TrimPrefix(path.Ext(f.Name), "."))
			}
		}
		if len(there) == 0 {
			return fmt.Errorf("version %s of %s went through no checks, and has no report", dataset.Short(m.Version), m.Name)
		}
		return fmt.Errorf("version %s of %s has no report in %s; there is one in %s", dataset.Short(m.Version), m.Name, o.Format, strings.Join(there, " and "))
	}
	in, err := s.Store().Get(ctx, m.Files[at].Path)
	if err != nil {
		return fmt.Errorf("the report of %s: %w", m.Name, err)
	}
	defer in.Close()
	return deliver(o.Output, s.out, func(out io.Writer) error {
		_, err := io.Copy(out, in)
		return err
	})
}
