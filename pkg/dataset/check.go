package dataset

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/go-json-experiment/json"
)

// Bounds of a manifest that is believed. Numbers are below 2⁵³, as JSON's are no longer exact above.
const (
	MaxManifest = 256 << 20 // bytes
	maxShards   = 1 << 20
	maxColumns  = 100_000
	maxNumber   = 1 << 53
)

var hexForm = regexp.MustCompile(`^[0-9a-f]{1,64}$`)

// ParseManifest reads a manifest that anybody may have written. What it returns has been checked as Publish would: no path leads
// anywhere but to the shards, the books balance, and the version is the content's. It returns an error that says what is wrong, and
// never panics.
func ParseManifest(data []byte) (*Manifest, error) {
	if len(data) > MaxManifest {
		return nil, fmt.Errorf("read manifest: it has %d bytes, more than %d", len(data), MaxManifest)
	}
	var m Manifest
	if err := json.Unmarshal(data, &m); err != nil {
		return nil, fmt.Errorf("read manifest: %w", err)
	}
	if m.Format < 1 || m.Format > Format {
		return nil, fmt.Errorf("read manifest: its format is %d and this program reads 1 to %d; use a newer leat", m.Format, Format)
	}
	if err := m.Check(); err != nil {
		return nil, fmt.Errorf("read manifest: %w", err)
	}
	version, err := digestOf(data)
	if err != nil {
		return nil, fmt.Errorf("read manifest: %w", err)
	}
	if version != m.Version {
		return nil, fmt.Errorf("read manifest: it says that it is version %s and its content is %s: it was changed", Short(m.Version), Short(version))
	}
	return &m, nil
}

// Check refuses a manifest that cannot be true: names, digests and paths that are none, numbers out of bounds, and books that do
// not balance. It does not look whether the shards are there.
func (m *Manifest) Check() error {
	if err := CheckName(m.Name); err != nil {
		return err
	}
	if n := len(m.Shards) + len(m.Quarantine) + len(m.Rejects) + len(m.Files); n > maxShards {
		return fmt.Errorf("%s has %d shards, more than %d", m.Name, n, maxShards)
	}
	if n := max(len(m.Schema), len(m.Statistics), len(m.Sources), len(m.Lineage), len(m.Parents)); n > maxShards || len(m.Schema) > maxColumns {
		return fmt.Errorf("%s has %d columns, sources or steps, more than are allowed", m.Name, n)
	}
	for _, p := range m.Parents {
		if err := errors.Join(CheckName(p.Name), checkDigest(p.Version)); err != nil {
			return fmt.Errorf("%s: a parent: %w", m.Name, err)
		}
	}
	if err := m.checkFiles(); err != nil {
		return fmt.Errorf("%s: %w", m.Name, err)
	}
	if err := m.checkColumns(); err != nil {
		return fmt.Errorf("%s: %w", m.Name, err)
	}
	return m.checkBooks()
}

func (m *Manifest) checkColumns() error {
	seen := map[string]bool{}
	for _, f := range m.Schema {
		if seen[f.Name] {
			return fmt.Errorf("the schema has the column %.80q twice", f.Name)
		}
		seen[f.Name] = true
	}
	for _, c := range m.Statistics {
		if err := inBounds(c.Rows, c.Nulls, c.Bytes); err != nil || c.Nulls > c.Rows {
			return fmt.Errorf("statistics of the column %.80q cannot be: %d nulls of %d rows, %d bytes", c.Name, c.Nulls, c.Rows, c.Bytes)
		}
	}
	return nil
}

func (m *Manifest) checkFiles() error {
	for _, shards := range [][]Shard{m.Shards, m.Quarantine, m.Rejects} {
		for _, s := range shards {
			if err := s.check(); err != nil {
				return err
			}
		}
	}
	for _, f := range m.Files {
		if err := (Shard{Digest: f.Digest, Path: f.Path, Bytes: f.Bytes}).check(); err != nil {
			return fmt.Errorf("file %.80q: %w", f.Name, err)
		}
	}
	return nil
}

func (s Shard) check() error {
	if err := checkDigest(s.Digest); err != nil {
		return err
	}
	if extension := s.Path[strings.LastIndexByte(s.Path, '.')+1:]; !extensionForm.MatchString(extension) || s.Path != shardKey(s.Digest, extension) {
		return fmt.Errorf("the path %.120q is not that of a shard with the digest %s", s.Path, Short(s.Digest))
	}
	return inBounds(s.Rows, s.Bytes, int64(s.Partition), int64(s.Number))
}

func checkDigest(digest string) error {
	if hex, ok := strings.CutPrefix(digest, "sha256:"); !ok || len(hex) != 64 || !hexForm.MatchString(hex) {
		return fmt.Errorf("%.80q is no digest (sha256: and 64 hexadecimal digits)", digest)
	}
	return nil
}

func inBounds(numbers ...int64) error {
	for _, n := range numbers {
		if n < 0 || n > maxNumber {
			return fmt.Errorf("the number %d is below 0 or above 2⁵³", n)
		}
	}
	return nil
}

// checkBooks holds the counts against each other and against the shards.
func (m *Manifest) checkBooks() error {
	c := m.Counts
	if err := inBounds(c.In, c.Valid, c.Quarantined, c.Refused); err != nil {
		return fmt.Errorf("%s: counts: %w", m.Name, err)
	}
	if c.In != c.Valid+c.Quarantined+c.Refused {
		return fmt.Errorf("%s: the books do not balance: %d rows in, but %d valid + %d quarantined + %d refused = %d",
			m.Name, c.In, c.Valid, c.Quarantined, c.Refused, c.Valid+c.Quarantined+c.Refused)
	}
	for _, k := range []struct {
		kind   string
		want   int64
		shards []Shard
	}{{"valid", c.Valid, m.Shards}, {"quarantined", c.Quarantined, m.Quarantine}, {"refused", c.Refused, m.Rejects}} {
		if got := Rows(k.shards); got != k.want {
			return fmt.Errorf("%s: the books do not balance: %d rows are %s, but their shards have %d", m.Name, k.want, k.kind, got)
		}
	}
	return nil
}

// Rows sums the rows of shards; it stays below a bound, so that hostile numbers cannot run over.
func Rows(shards []Shard) (n int64) {
	for _, s := range shards {
		n = min(n+s.Rows, 2*maxNumber)
	}
	return n
}

// Bytes sums their bytes, likewise.
func Bytes(shards []Shard) (n int64) {
	for _, s := range shards {
		n = min(n+s.Bytes, 2*maxNumber)
	}
	return n
}
