package datacmd

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/leathq/leat/pkg/blob"
	"github.com/leathq/leat/pkg/conf"
	"github.com/leathq/leat/pkg/dataset"
)

// JSONOption is exported for its field to be a setting of what embeds it.
type JSONOption struct {
	JSON bool `yaml:"json" flag:"json" doc:"print JSON"`
}

// session is a command on the datasets of a store.
type session struct {
	*dataset.Datasets
	call
}

// stored makes c a command on the blob store.
func stored(c command, run func(ctx context.Context, s *session) error) command {
	store := blob.DefaultConfig()
	c.shared = []conf.Section{{Key: "blob", Doc: "where datasets are", Into: &store}}
	c.run = func(ctx context.Context, with call) error {
		b, err := blob.Open(ctx, blob.Existing(store.URL))
		if errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("there is no store at %s yet: a data run makes it; or name another with --store", store.URL)
		}
		if err != nil {
			return err
		}
		return errors.Join(run(ctx, &session{dataset.New(b), with}), b.Close())
	}
	return c
}

// get reads the version that NAME or NAME@VERSION means.
func (s *session) get(ctx context.Context, reference string) (*dataset.Manifest, error) {
	name, version, _ := strings.Cut(reference, "@")
	return s.Get(ctx, name, version)
}
