// Package delta reads Delta Lake tables: the log is its own work, the files are Parquet. It follows the Delta transaction log protocol for readers of
// version 1 to 3, and refuses by name what it does not do: deletion vectors, column mapping, v2 checkpoints, and other reader features.
package delta

import (
	"encoding/json"
	"fmt"
	"strings"
)

// action is a line of a commit, or a row of a checkpoint; one of its fields is set, or none where it is of no concern to a reader.
type action struct {
	Add      *add      `json:"add"`
	Remove   *remove   `json:"remove"`
	Metadata *metadata `json:"metaData"`
	Protocol *protocol `json:"protocol"`
	Info     *info     `json:"commitInfo"`
}

type add struct {
	Path       string             `json:"path"` // a URI, relative to the table as a rule
	Partition  map[string]*string `json:"partitionValues"`
	Size       int64              `json:"size"`
	Modified   int64              `json:"modificationTime"` // ms since 1970
	DataChange bool               `json:"dataChange"`       // false: the same rows, arranged anew
	Vector     *vector            `json:"deletionVector"`
}

type remove struct {
	Path       string `json:"path"`
	DataChange *bool  `json:"dataChange"` // absent is true
}

// vector says which rows of a file are deleted; to know that there is one is enough.
type vector struct {
	Storage     string `json:"storageType"`
	Cardinality int64  `json:"cardinality"`
}

type metadata struct {
	Format struct {
		Provider string `json:"provider"`
	} `json:"format"`
	Schema        string            `json:"schemaString"`
	Partition     []string          `json:"partitionColumns"`
	Configuration map[string]string `json:"configuration"`
}

type protocol struct {
	MinReader int      `json:"minReaderVersion"`
	Features  []string `json:"readerFeatures"`
}

type info struct {
	Operation string `json:"operation"`
}

// parse reads a line of a commit.
func parse(line []byte) (action, error) {
	var a action
	if err := json.Unmarshal(line, &a); err != nil {
		return a, fmt.Errorf("not an action of a Delta log: %w", err)
	}
	return a, nil
}

// harmless are the reader features that need nothing of a reader of Parquet files, beside what is checked elsewhere: deletion vectors are refused where a
// file has one, column mapping where it is switched on.
var harmless = map[string]bool{"deletionVectors": true, "columnMapping": true, "timestampNtz": true, "vacuumProtocolCheck": true}

// check says what of a protocol this package does not do.
func (p *protocol) check() error {
	if p.MinReader > 3 {
		return fmt.Errorf("needs a reader of protocol version %d, and this one knows 3", p.MinReader)
	}
	var not []string
	for _, f := range p.Features {
		if !harmless[f] {
			not = append(not, f)
		}
	}
	if len(not) > 0 {
		return fmt.Errorf("uses the reader feature %s, which is not supported", strings.Join(not, ", "))
	}
	return nil
}

// check says what of a table's configuration this package does not do.
func (m *metadata) check() error {
	if p := m.Format.Provider; p != "" && p != "parquet" {
		return fmt.Errorf("keeps its rows as %s, not Parquet", p)
	}
	if mode := m.Configuration["delta.columnMapping.mode"]; mode != "" && mode != "none" {
		return fmt.Errorf("uses column mapping by %s (delta.columnMapping.mode), which is not supported", mode)
	}
	return nil
}
