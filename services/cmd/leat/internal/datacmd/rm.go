package datacmd

import (
	"context"
	"fmt"
	"strings"

	"github.com/leathq/leat/pkg/dataset"
)

type rmOptions struct {
	Force bool `yaml:"force" flag:"force" doc:"also the latest version (the next newest is the latest then), or all versions of a dataset"`
}

func rmCommand() command {
	own := &rmOptions{}
	return stored(command{name: "rm", operands: "NAME[@VERSION]", least: 1, most: 1, own: own,
		about: "Removes a version, or with --force a whole dataset. `leat data gc` frees the space."}, func(ctx context.Context, s *session) error {
		name, version, one := strings.Cut(s.operands[0], "@")
		if one {
			gone, err := s.Remove(ctx, name, version, own.Force)
			if err == nil {
				fmt.Fprintf(s.err, "%s@%s is removed; leat data gc frees its space\n", name, dataset.Short(gone))
			}
			return err
		}
		all, err := s.Versions(ctx, name)
		if err != nil {
			return err
		}
		if !own.Force {
			return fmt.Errorf("%s has %d versions: remove one with leat data rm %s@VERSION, or all with --force", name, len(all), name)
		}
		n, err := s.RemoveAll(ctx, name)
		if err == nil {
			fmt.Fprintf(s.err, "%s and its %d versions are removed; leat data gc frees their space\n", name, n)
		}
		return err
	})
}
