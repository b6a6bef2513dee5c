package dataset

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/leathq/leat/pkg/blob"
)

// Remove removes a version, whose shards GC frees later. The latest is refused with ErrLatest unless forced: the newest of the others
// is the latest then. It returns the whole version.
func (d *Datasets) Remove(ctx context.Context, name, version string, force bool) (string, error) {
	m, err := d.Get(ctx, name, version)
	if err != nil {
		return "", err
	}
	latest, err := d.Latest(ctx, name)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return "", err
	}
	if latest == m.Version && !force {
		return "", fmt.Errorf("%s@%s is not removed: %w; --force makes the next newest the latest", name, Short(m.Version), ErrLatest)
	}
	rest, err := d.Versions(ctx, name)
	if err != nil {
		return "", err
	}
	next := ""
	for _, r := range rest {
		if r.Version != m.Version {
			next = r.Version
			break
		}
	}
	if err := d.move(ctx, name, func(now string) (string, bool) { return next, now == m.Version }); err != nil {
		return "", err
	}
	return m.Version, d.store.Delete(ctx, versionKey(name, m.Version))
}

// RemoveAll removes all versions of a dataset and returns how many there were.
func (d *Datasets) RemoveAll(ctx context.Context, name string) (int, error) {
	all, err := d.Versions(ctx, name)
	if err != nil {
		return 0, err
	}
	gone := map[string]bool{}
	for _, m := range all {
		gone[m.Version] = true
	}
	if err := d.move(ctx, name, func(now string) (string, bool) { return "", gone[now] }); err != nil {
		return 0, err
	}
	for _, m := range all {
		if err := d.store.Delete(ctx, versionKey(name, m.Version)); err != nil {
			return 0, err
		}
	}
	return len(all), nil
}

// Garbage is what GC frees.
type Garbage struct {
	Files []blob.Object `json:"files"` // of no version
	Bytes int64         `json:"bytes"`
	Kept  int           `json:"kept"`  // files of versions
	Young int           `json:"young"` // files of no version within the grace
}

// GC finds the files of no version that are older than grace, and deletes them unless dry. Grace keeps what running writers have not
// published yet, so it has to be longer than any run takes from its first shard to its manifest; below an hour it is refused. Where
// any manifest cannot be read nothing is deleted.
func (d *Datasets) GC(ctx context.Context, grace time.Duration, dry bool) (*Garbage, error) {
	if grace < time.Hour {
		return nil, fmt.Errorf("collect garbage: a grace of %s is below 1h, in which writers may still publish", grace)
	}
	// First the files, then the manifests: one that is published between names files that are marked.
	files, err := d.files(ctx)
	if err != nil {
		return nil, err
	}
	marked, err := d.marked(ctx)
	if err != nil {
		return nil, fmt.Errorf("collect garbage: nothing was deleted: %w", err)
	}
	g, limit := &Garbage{Files: []blob.Object{}}, time.Now().Add(-grace)
	for _, o := range files {
		switch {
		case marked[o.Key]:
			g.Kept++
		case !o.Modified.Before(limit):
			g.Young++
		default:
			g.Files, g.Bytes = append(g.Files, o), g.Bytes+o.Bytes
		}
	}
	if dry {
		return g, nil
	}
	return g, d.free(ctx, g.Files, limit)
}

// free deletes what is still as old as it was listed: a writer may have written it anew.
func (d *Datasets) free(ctx context.Context, files []blob.Object, limit time.Time) error {
	for _, o := range files {
		now, err := d.store.Stat(ctx, o.Key)
		if errors.Is(err, blob.ErrNotFound) || err == nil && !now.Modified.Before(limit) {
			continue
		}
		if err == nil {
			err = d.store.Delete(ctx, o.Key)
		}
		if err != nil {
			return fmt.Errorf("collect garbage: %w", err)
		}
	}
	return nil
}

func (d *Datasets) files(ctx context.Context) (out []blob.Object, err error) {
	for o, err := range d.store.List(ctx, "shards/") {
		if err != nil {
			return nil, fmt.Errorf("collect garbage: %w", err)
		}
		out = append(out, o)
	}
	return out, nil
}

// marked are the files of all versions.
func (d *Datasets) marked(ctx context.Context) (map[string]bool, error) {
	out := map[string]bool{}
	for o, err := range d.store.List(ctx, "datasets/") {
		if err != nil {
			return nil, err
		}
		parts := strings.Split(o.Key, "/")
		if len(parts) != 4 || parts[2] != "versions" {
			continue
		}
		m, err := d.read(ctx, o.Key, parts[1])
		if errors.Is(err, blob.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		for path := range m.paths() {
			out[path] = true
		}
	}
	return out, nil
}
