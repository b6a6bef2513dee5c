// Package dataset keeps datasets in a blob store: shards named by their content, and manifests that say which shards are a version
// of a dataset, where they come from and what was found in them.
//
//	shards/sha256/ab/<64 hex>.parquet      a shard, or another file that belongs to a version
//	datasets/<name>/versions/<64 hex>.json a manifest, named by the digest of what it says (not of when it was said)
//	datasets/<name>/latest/<12 digits>     the version that was the latest from this number on; the highest number counts
//
// A version appears whole or not at all, and the same content gives the same version. The package refuses to publish books that do
// not balance or shards that are not there, to change a version, and to believe a manifest that it reads.
package dataset

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/leathq/leat/pkg/blob"
)

// What can be wrong with a name or a version; test with errors.Is.
var (
	ErrNotFound = errors.New("no such dataset or version")
	ErrLatest   = errors.New("it is the latest version")
)

// Datasets are the datasets of a store. All methods may be called at once, also from several processes.
type Datasets struct{ store *blob.Store }

// New opens nothing.
func New(store *blob.Store) *Datasets { return &Datasets{store} }

// Store is where they are.
func (d *Datasets) Store() *blob.Store { return d.store }

var nameForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$`)

// CheckName refuses what is no dataset's name: up to 100 letters, digits, dots, dashes and underscores.
func CheckName(name string) error {
	if !nameForm.MatchString(name) {
		return fmt.Errorf("%.120q is no name of a dataset: up to 100 letters, digits, '.', '-' and '_', beginning with a letter or digit", name)
	}
	return nil
}

func versionKey(name, version string) string {
	return "datasets/" + name + "/versions/" + strings.TrimPrefix(version, "sha256:") + ".json"
}

// Summary is a line of a listing.
type Summary struct {
	Name     string `json:"name"`
	Latest   string `json:"latest"` // empty where the latest was removed and nothing stands in for it
	Versions int    `json:"versions"`
}

// List returns all datasets that have versions, sorted by name.
func (d *Datasets) List(ctx context.Context) ([]Summary, error) {
	seen := map[string]*Summary{}
	for o, err := range d.store.List(ctx, "datasets/") {
		if err != nil {
			return nil, fmt.Errorf("list datasets: %w", err)
		}
		parts := strings.Split(o.Key, "/")
		if len(parts) != 4 || parts[2] != "versions" {
			continue
		}
		s := seen[parts[1]]
		if s == nil {
			s = &Summary{Name: parts[1]}
			seen[s.Name] = s
		}
		s.Versions++
	}
	out := make([]Summary, 0, len(seen))
	for _, name := range sortedKeys(seen) {
		s := seen[name]
		latest, err := d.Latest(ctx, name)
		if err != nil && !errors.Is(err, ErrNotFound) {
			return nil, err
		}
		s.Latest = latest
		out = append(out, *s)
	}
	return out, nil
}

// Versions returns a dataset's manifests, the newest first; ErrNotFound where there is none.
func (d *Datasets) Versions(ctx context.Context, name string) ([]*Manifest, error) {
	if err := CheckName(name); err != nil {
		return nil, err
	}
	var out []*Manifest
	for o, err := range d.store.List(ctx, "datasets/"+name+"/versions/") {
		if err != nil {
			return nil, fmt.Errorf("list versions of %s: %w", name, err)
		}
		m, err := d.read(ctx, o.Key, name)
		if errors.Is(err, blob.ErrNotFound) {
			continue // removed meanwhile
		}
		if err != nil {
			return nil, err
		}
		out = append(out, m)
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("%w: %s; `leat data ls` shows what there is", ErrNotFound, name)
	}
	newestFirst(out)
	return out, nil
}

// Get returns the manifest of a version, given whole, as an unambiguous beginning of its digest (6 digits or more), or as
// "latest" or "".
func (d *Datasets) Get(ctx context.Context, name, version string) (*Manifest, error) {
	full, err := d.Resolve(ctx, name, version)
	if err != nil {
		return nil, err
	}
	m, err := d.read(ctx, versionKey(name, full), name)
	if errors.Is(err, blob.ErrNotFound) {
		return nil, fmt.Errorf("%w: %s@%s; `leat data ls %s` shows its versions", ErrNotFound, name, Short(full), name)
	}
	return m, err
}

// Resolve returns the whole version that Get would read.
func (d *Datasets) Resolve(ctx context.Context, name, version string) (string, error) {
	if err := CheckName(name); err != nil {
		return "", err
	}
	if version == "" || version == "latest" {
		return d.Latest(ctx, name)
	}
	hex := strings.TrimPrefix(version, "sha256:")
	if !hexForm.MatchString(hex) || len(hex) < 6 {
		return "", fmt.Errorf("%.80q is no version: \"latest\", or 6 or more digits of its digest", version)
	}
	if len(hex) == 64 {
		return "sha256:" + hex, nil
	}
	found := ""
	for o, err := range d.store.List(ctx, "datasets/"+name+"/versions/") {
		if err != nil {
			return "", fmt.Errorf("list versions of %s: %w", name, err)
		}
		got := strings.TrimSuffix(o.Key[strings.LastIndexByte(o.Key, '/')+1:], ".json")
		if !strings.HasPrefix(got, hex) {
			continue
		}
		if found != "" {
			return "", fmt.Errorf("%s@%s is ambiguous: %s and %s; give more digits", name, hex, Short(found), Short(got))
		}
		found = got
	}
	if found == "" {
		return "", fmt.Errorf("%w: %s@%s; `leat data ls %s` shows its versions", ErrNotFound, name, hex, name)
	}
	return "sha256:" + found, nil
}

func (d *Datasets) read(ctx context.Context, key, name string) (*Manifest, error) {
	data, err := d.store.Bytes(ctx, key, MaxManifest)
	if err != nil {
		return nil, fmt.Errorf("read the manifest: %w", err)
	}
	m, err := ParseManifest(data)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s of %s: %w", key, d.store.URL(), err)
	case versionKey(name, m.Version) != key || m.Name != name:
		return nil, fmt.Errorf("%s of %s says that it is %s@%s: it was copied or changed; remove it", key, d.store.URL(), m.Name, Short(m.Version))
	}
	return m, nil
}
