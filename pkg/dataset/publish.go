package dataset

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/leathq/leat/pkg/blob"
)

// Publish makes m a version of its dataset, as PublishAside does, and the latest one. Of two at once each has its version, and one of
// them is the latest.
func (d *Datasets) Publish(ctx context.Context, m *Manifest) (version string, err error) {
	data, err := d.prepare(ctx, m)
	// Twice, as who removes this very version meanwhile may not have seen that it is the latest again.
	for range 2 {
		if err == nil {
			err = d.put(ctx, m, data)
		}
		if err == nil {
			err = d.move(ctx, m.Name, func(string) (string, bool) { return m.Version, true })
		}
	}
	if err != nil {
		return "", fmt.Errorf("publish: %w", err)
	}
	return m.Version, nil
}

// PublishAside makes m a version of its dataset and leaves the latest where it is: for data whose checks do not hold. It checks the
// manifest, sorts its shards, and sets Format, Version and, where it is zero, Created. It refuses shards that are not in the store.
// Publishing again what is there changes nothing. Whenever it is cut off, versions are there whole or not at all.
func (d *Datasets) PublishAside(ctx context.Context, m *Manifest) (version string, err error) {
	data, err := d.prepare(ctx, m)
	if err == nil {
		err = d.put(ctx, m, data)
	}
	if err != nil {
		return "", fmt.Errorf("publish: %w", err)
	}
	return m.Version, nil
}

// prepare checks a manifest and returns it in canonical JSON.
func (d *Datasets) prepare(ctx context.Context, m *Manifest) ([]byte, error) {
	for _, shards := range [][]Shard{m.Shards, m.Quarantine, m.Rejects} {
		Order(shards)
	}
	if err := m.Check(); err != nil {
		return nil, err
	}
	if err := d.present(ctx, m); err != nil {
		return nil, fmt.Errorf("%s: %w", m.Name, err)
	}
	if m.Created.IsZero() {
		m.Created = time.Now().Truncate(time.Millisecond)
	}
	return m.encode()
}

func (d *Datasets) put(ctx context.Context, m *Manifest, data []byte) error {
	err := d.store.PutIfAbsent(ctx, versionKey(m.Name, m.Version), bytes.NewReader(data))
	if errors.Is(err, blob.ErrExists) {
		return nil
	}
	return err
}

// present says which file of a manifest is not there as it says.
func (d *Datasets) present(ctx context.Context, m *Manifest) error {
	for path, size := range m.paths() {
		o, err := d.store.Stat(ctx, path)
		if err != nil {
			return fmt.Errorf("%w; run again what wrote it", err)
		}
		if o.Bytes != size {
			return fmt.Errorf("%s has %d bytes in %s and %d in the manifest; delete it and run again what wrote it", path, o.Bytes, d.store.URL(), size)
		}
	}
	return nil
}

// paths are all files of a manifest, with their bytes.
func (m *Manifest) paths() map[string]int64 {
	out := map[string]int64{}
	for _, shards := range [][]Shard{m.Shards, m.Quarantine, m.Rejects} {
		for _, s := range shards {
			out[s.Path] = s.Bytes
		}
	}
	for _, f := range m.Files {
		out[f.Path] = f.Bytes
	}
	return out
}

// Latest returns the version that is a dataset's latest; ErrNotFound where it has none.
func (d *Datasets) Latest(ctx context.Context, name string) (string, error) {
	if err := CheckName(name); err != nil {
		return "", err
	}
	_, version, err := d.latest(ctx, name)
	if err == nil && version == "" {
		err = fmt.Errorf("%w: %s has no latest version; `leat data ls` shows what there is", ErrNotFound, name)
	}
	return version, err
}

// latest returns the highest number and its version; 0 and empty where nothing was published.
func (d *Datasets) latest(ctx context.Context, name string) (number uint64, version string, err error) {
	prefix := "datasets/" + name + "/latest/"
	for o, err := range d.store.List(ctx, prefix) {
		if err != nil {
			return 0, "", fmt.Errorf("find the latest version of %s: %w", name, err)
		}
		if n, err := strconv.ParseUint(strings.TrimPrefix(o.Key, prefix), 10, 48); err == nil {
			number = max(number, n)
		}
	}
	if number == 0 {
		return 0, "", nil
	}
	data, err := d.store.Bytes(ctx, latestKey(name, number), 100)
	if err != nil {
		return 0, "", fmt.Errorf("find the latest version of %s: %w", name, err)
	}
	if version = string(data); version != "" {
		err = checkDigest(version)
	}
	if err != nil {
		return 0, "", fmt.Errorf("%s of %s: %w; remove it", latestKey(name, number), d.store.URL(), err)
	}
	return number, version, nil
}

func latestKey(name string, number uint64) string {
	return fmt.Sprintf("datasets/%s/latest/%012d", name, number)
}

// maxRaces is how many others may be faster; each of them has published.
const maxRaces = 1000

// move makes to(latest) the latest where it is ok. No store that we use compares before it writes, but all write only where nothing
// is: so who moves writes under the next number, and begins again where another was faster.
func (d *Datasets) move(ctx context.Context, name string, to func(latest string) (version string, ok bool)) error {
	for range maxRaces {
		number, old, err := d.latest(ctx, name)
		if err != nil {
			return err
		}
		version, ok := to(old)
		if !ok || number > 0 && version == old {
			return nil
		}
		err = d.store.PutIfAbsent(ctx, latestKey(name, number+1), strings.NewReader(version))
		if !errors.Is(err, blob.ErrExists) {
			return err
		}
	}
	return fmt.Errorf("move the latest version of %s: others were faster %d times; try again", name, maxRaces)
}
