package dataset

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Format is the number of the manifest's form that this package writes, and the highest that it reads.
const Format = 1

// Manifest is a version of a dataset. It is immutable once published.
type Manifest struct {
	Format  int    `json:"format"`
	Name    string `json:"name"`
	Version string `json:"version"` // "sha256:<64 hex>" of all but version, created and run; Publish sets it

	Created time.Time `json:"created"` // of the first publication
	Run     string    `json:"run,omitempty"`

	Schema     []Field   `json:"schema"`
	Shards     []Shard   `json:"shards"`               // valid rows, in order of partition and number
	Quarantine []Shard   `json:"quarantine,omitempty"` // rows that a check failed, with the reasons
	Rejects    []Shard   `json:"rejects,omitempty"`    // records that could not become rows, with the reasons
	Files      []File    `json:"files,omitempty"`      // what else belongs to it: the report, the suite, the result
	Counts     Counts    `json:"counts"`
	Statistics []Column  `json:"statistics,omitempty"` // of the valid rows, by column
	Sources    []Source  `json:"sources,omitempty"`
	Suite      *Suite    `json:"suite,omitempty"`
	Verdicts   []Verdict `json:"verdicts,omitempty"`
	Code       string    `json:"code,omitempty"` // version of the program
	Lineage    []Step    `json:"lineage,omitempty"`
	Parents    []Version `json:"parents,omitempty"`
}

// Field is a column: pkg/arrowio writes and reads its schemas in the same form.
type Field struct {
	Name     string `json:"name"`
	Type     string `json:"type"` // Arrow's name, such as "timestamp[us, tz=UTC]"
	Nullable bool   `json:"nullable"`
}

// Shard is a file of rows. Path follows from Digest.
type Shard struct {
	Digest    string `json:"digest"` // "sha256:<64 hex>"
	Path      string `json:"path"`
	Rows      int64  `json:"rows"`
	Bytes     int64  `json:"bytes"`
	Partition int    `json:"partition"`
	Number    int    `json:"number"`
}

// File is a file that is no shard.
type File struct {
	Name   string `json:"name"` // "report.html"
	Digest string `json:"digest"`
	Path   string `json:"path"`
	Bytes  int64  `json:"bytes"`
}

// Counts are the books of a run, in rows: In = Valid + Quarantined + Refused.
type Counts struct {
	In          int64 `json:"in"`
	Valid       int64 `json:"valid"`
	Quarantined int64 `json:"quarantined"`
	Refused     int64 `json:"refused"`
}

// Column is what was counted of a column. Min and Max are in text, so that every type's are exact; nil where all is null, the
// type has no order, or they are not known, since texts are too long for it.
type Column struct {
	Name  string  `json:"name"`
	Rows  int64   `json:"rows"`
	Nulls int64   `json:"nulls"`
	Bytes int64   `json:"bytes"` // in memory, as Arrow
	Min   *string `json:"min,omitempty"`
	Max   *string `json:"max,omitempty"`
}

// Source is what was read.
type Source struct {
	Kind   string `json:"kind"` // "parquet"
	Name   string `json:"name"` // a path or URL without passwords
	Digest string `json:"digest,omitempty"`
	Bytes  int64  `json:"bytes,omitzero"`
	Rows   int64  `json:"rows,omitzero"`
}

// Suite is what the rows were held against, and what came out.
type Suite struct {
	Name    string `json:"name"`
	Digest  string `json:"digest"`
	Success bool   `json:"success"`
	Met     int    `json:"met"` // expectations
	Of      int    `json:"of"`
}

// Verdict is what a gate said, as in leat.data.v1.
type Verdict struct {
	Gate   string `json:"gate"`
	Status string `json:"status"` // pass, warn, fail, skip, unknown
	Reason string `json:"reason,omitempty"`
}

// Step is a stage that rows went through.
type Step struct {
	Stage   string `json:"stage"`
	Service string `json:"service"`
	Digest  string `json:"digest,omitempty"` // of its configuration
	In      int64  `json:"in"`               // rows
	Out     int64  `json:"out"`
}

// Version names a version of a dataset.
type Version struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

// Short is a version as people read it: 12 digits.
func Short(version string) string {
	hex := strings.TrimPrefix(version, "sha256:")
	return hex[:min(12, len(hex))]
}

// encode returns the manifest in canonical JSON (RFC 8785), with its version set from what it says.
func (m *Manifest) encode() ([]byte, error) {
	m.Format, m.Created = Format, m.Created.UTC()
	for range 2 { // first for the digest, then with it
		data, err := json.Marshal(m)
		if err != nil {
			return nil, fmt.Errorf("write the manifest of %s: %w", m.Name, err)
		}
		version, err := digestOf(data)
		if err != nil {
			return nil, fmt.Errorf("write the manifest of %s: %w", m.Name, err)
		}
		if m.Version == version {
			value := jsontext.Value(data)
			err := value.Canonicalize()
			return value, err
		}
		m.Version = version
	}
	return nil, fmt.Errorf("write the manifest of %s: its digest changes", m.Name)
}

// digestOf digests what a manifest says, and not who says it when. It goes over the JSON and not over the struct, so that
// fields of a later release count.
func digestOf(manifest []byte) (string, error) {
	var all map[string]jsontext.Value
	if err := json.Unmarshal(manifest, &all); err != nil {
		return "", err
	}
	for _, key := range []string{"version", "created", "run"} {
		delete(all, key)
	}
	data, err := json.Marshal(all)
	if err != nil {
		return "", err
	}
	value := jsontext.Value(data)
	if err := value.Canonicalize(); err != nil {
		return "", err
	}
	sum := sha256.Sum256(value)
	return "sha256:" + hex.EncodeToString(sum[:]), nil
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

func newestFirst(ms []*Manifest) {
	slices.SortFunc(ms, func(a, b *Manifest) int {
		return cmp.Or(b.Created.Compare(a.Created), cmp.Compare(a.Version, b.Version))
	})
}

// Order sorts shards as manifests have them: by partition, then number.
func Order(shards []Shard) {
	slices.SortFunc(shards, func(a, b Shard) int {
		return cmp.Or(cmp.Compare(a.Partition, b.Partition), cmp.Compare(a.Number, b.Number), cmp.Compare(a.Digest, b.Digest))
	})
}
