package delta

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"regexp"
	"slices"
	"strconv"

	"github.com/leathq/leat/services/ingestor/internal/source"
	"github.com/leathq/leat/services/ingestor/internal/source/files"
	"github.com/leathq/leat/services/ingestor/internal/source/lines"
)

// log is what stands in a table's _delta_log.
type log struct {
	tree        files.Tree
	table       string
	commits     map[int64]string   // by version
	checkpoints map[int64][]string // classic ones that are complete, by version, in order of their parts
	v2          map[int64]string
	last        int64
}

var (
	commitName     = regexp.MustCompile(`^(\d{20})\.json$`)
	checkpointName = regexp.MustCompile(`^(\d{20})\.checkpoint(?:\.(\d{10})\.(\d{10}))?\.parquet$`)
	v2Name         = regexp.MustCompile(`^(\d{20})\.checkpoint\.[0-9a-fA-F-]{36}\.(?:json|parquet)$`)
)

// openLog lists a table's log.
func openLog(ctx context.Context, t files.Tree, table string) (*log, error) {
	l := &log{tree: t, table: table, commits: map[int64]string{}, checkpoints: map[int64][]string{}, v2: map[int64]string{}, last: -1}
	entries, err := t.List(ctx, []string{path.Join(table, "_delta_log")}, func(string) bool { return true })
	if err != nil && source.CodeOf(err) != source.Missing {
		return nil, err
	}
	parts := map[int64][]string{}
	for _, e := range entries {
		base := path.Base(e.Name)
		if m := commitName.FindStringSubmatch(base); m != nil {
			l.commits[number(m[1])] = e.Name
		} else if m := checkpointName.FindStringSubmatch(base); m != nil {
			v := number(m[1])
			if m[3] == "" {
				l.checkpoints[v] = []string{e.Name}
			} else if parts[v] = append(parts[v], e.Name); int64(len(parts[v])) == number(m[3]) && l.checkpoints[v] == nil {
				l.checkpoints[v] = parts[v]
			}
		} else if m := v2Name.FindStringSubmatch(base); m != nil {
			l.v2[number(m[1])] = e.Name
		}
	}
	for v := range l.commits {
		l.last = max(l.last, v)
	}
	for v := range l.checkpoints {
		l.last = max(l.last, v)
	}
	if l.last < 0 && len(l.v2) == 0 {
		return nil, source.Errorf(source.Missing, "%s has no _delta_log with commits; is it a Delta table, and the path that of the table itself?", table)
	}
	return l, nil
}

func number(digits string) int64 {
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil {
		return -1
	}
	return n
}

// state is a table at a version.
type state struct {
	version  int64
	protocol *protocol
	metadata *metadata
	adds     map[string]*add // by path
}

// at replays the log up to a version.
func (l *log) at(ctx context.Context, version int64) (*state, error) {
	s := &state{version: version, adds: map[string]*add{}}
	from := int64(-1)
	for v := range l.checkpoints {
		if v <= version {
			from = max(from, v)
		}
	}
	for _, name := range l.checkpoints[from] {
		if err := l.checkpoint(ctx, name, s.apply); err != nil {
			return nil, err
		}
	}
	for v := from + 1; v <= version; v++ {
		name, ok := l.commits[v]
		if !ok {
			return nil, l.gap(v, version)
		}
		if err := l.replay(ctx, name, s); err != nil {
			return nil, err
		}
	}
	return s, l.check(s)
}

// replay applies a commit. Its actions have no order: a file that is removed and added (with other rows deleted from it) is there after it.
func (l *log) replay(ctx context.Context, name string, s *state) error {
	var later []action
	err := l.commit(ctx, name, func(a action) error {
		if a.Remove == nil {
			later = append(later, a)
			return nil
		}
		return s.apply(a)
	})
	for _, a := range later {
		err = errors.Join(err, s.apply(a))
	}
	return err
}

func (l *log) gap(missing, version int64) error {
	for v, name := range l.v2 {
		if v >= missing {
			return source.Errorf(source.Refused, "%s: version %d can be had only from the v2 checkpoint %s, and v2 checkpoints are not supported; write a classic one", l.table, version, path.Base(name))
		}
	}
	return source.Errorf(source.Missing, "%s: version %d needs commit %d, whose file is gone and not part of a checkpoint; the oldest versions of a log are cleaned up: choose a later `version`, or none", l.table, version, missing)
}

func (s *state) apply(a action) error {
	switch {
	case a.Protocol != nil:
		s.protocol = a.Protocol
	case a.Metadata != nil:
		s.metadata = a.Metadata
	case a.Add != nil:
		s.adds[a.Add.Path] = a.Add
	case a.Remove != nil:
		delete(s.adds, a.Remove.Path)
	}
	return nil
}

// check refuses by name what a reader would have to do and this one does not.
func (l *log) check(s *state) error {
	if s.protocol == nil || s.metadata == nil {
		return source.Errorf(source.Malformed, "%s: the log up to version %d has no protocol or no metadata; is a part of _delta_log missing?", l.table, s.version)
	}
	if err := errors.Join(s.protocol.check(), s.metadata.check()); err != nil {
		return source.Errorf(source.Refused, "the Delta table %s, version %d, %w; write the table without it, or read a copy", l.table, s.version, err)
	}
	for _, p := range s.paths() {
		if err := l.whole(s.adds[p]); err != nil {
			return err
		}
	}
	return nil
}

// whole is an error for a file of which rows are deleted.
func (l *log) whole(a *add) error {
	if a.Vector == nil {
		return nil
	}
	return source.Errorf(source.Refused, "the Delta table %s has a deletion vector (deletionVectors) on %s, and they are not supported; rewrite the file, for instance with REORG TABLE … APPLY (PURGE)", l.table, a.Path)
}

func (s *state) paths() []string {
	out := make([]string, 0, len(s.adds))
	for p := range s.adds {
		out = append(out, p)
	}
	slices.Sort(out)
	return out
}

// maxAction bounds an action, in bytes: statistics of wide tables are long.
const maxAction = 64 << 20

// commit calls f with the actions of a commit.
func (l *log) commit(ctx context.Context, name string, f func(action) error) error {
	file, err := l.tree.Open(ctx, name)
	if err != nil {
		return err
	}
	defer file.Close()
	r := lines.NewReader(io.NewSectionReader(file, 0, file.Size()), 0, 0, maxAction)
	for {
		line, long, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if long {
			return source.Errorf(source.TooLarge, "%s, line %d: longer than %d bytes", name, r.Number(), maxAction)
		}
		if len(line) == 0 {
			continue
		}
		a, err := parse(line)
		if err != nil {
			return source.Errorf(source.Malformed, "%s, line %d: %w", name, r.Number(), err)
		}
		if err := f(a); err != nil {
			return err
		}
	}
}
