package sdk

import (
	"os"
	"path/filepath"

	"github.com/leathq/leat/services/ingestor/internal/source"
)

// Bounded says whether the ingestor lets sources read some directories only.
func Bounded() bool {
	_, bounded := os.LookupEnv(source.PathsVariable)
	return bounded
}

// Readable is an error where a file that a configuration names must not be read: it does not lie, links followed, below the directories that the ingestor
// lets sources read (ingestor.paths). A file that is not there is nobody's secret.
func Readable(path string) error {
	roots, bounded := os.LookupEnv(source.PathsVariable)
	if !bounded {
		return nil
	}
	at, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	if real, err := filepath.EvalSymlinks(at); err == nil {
		at = real
	}
	for _, r := range filepath.SplitList(roots) {
		if real, err := filepath.EvalSymlinks(r); err == nil {
			r = real
		}
		if rel, err := filepath.Rel(r, at); err == nil && filepath.IsLocal(rel) {
			return nil
		}
	}
	return Fail(source.Denied, "%s does not lie below the directories that may be read; put it there, or add its directory to ingestor.paths", path)
}
