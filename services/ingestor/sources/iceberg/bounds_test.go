package main

import (
	"errors"
	"testing"

	"github.com/leathq/leat/services/ingestor/internal/source"
	"github.com/leathq/leat/services/ingestor/sources/sdk"
)

// Where the ingestor bounds which files may be read, no table of its machine is, by whatever way it is named: its files name others.
func TestBoundedATableOfThisMachineIsRefused(t *testing.T) {
	t.Setenv("LEAT_SOURCE_PATHS", t.TempDir())
	for name, c := range map[string]config{
		"a directory": {Path: "/etc"}, "a file": {Metadata: "/etc/passwd"}, "its URL": {Metadata: "file:///etc/passwd"},
		"a catalog": {Catalog: &catalogConfig{Type: "sql", Name: "c", File: "/etc/passwd"}, Table: "a.b"},
	} {
		_, err := c.table(t.Context())
		if e := (*sdk.Error)(nil); !errors.As(err, &e) || e.Code != source.Denied {
			t.Errorf("%s: %v", name, err)
		}
	}
}
