package table

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/leathq/leat/services/ingestor/internal/source"
)

// Step is one step into a record: a key, or an index where Key is empty and Index is set.
type Step struct {
	Key   string `json:"k,omitempty"`
	Index *int   `json:"i,omitempty"`
}

// String is the path as YAML has it.
func path(steps []Step) string {
	if len(steps) == 1 && steps[0].Index == nil {
		return steps[0].Key
	}
	var b strings.Builder
	b.WriteByte('$')
	for _, s := range steps {
		if s.Index != nil {
			fmt.Fprintf(&b, "[%d]", *s.Index)
			continue
		}
		b.WriteString("." + s.Key)
	}
	return b.String()
}

// ParsePath reads `from`: "$.a.b[0]", or a plain name.
func ParsePath(from string) ([]Step, error) {
	rest, ok := strings.CutPrefix(from, "$")
	if !ok || rest == "" || rest[0] != '.' && rest[0] != '[' {
		return []Step{{Key: from}}, nil
	}
	var steps []Step
	for rest != "" {
		var s Step
		switch rest[0] {
		case '.':
			n := strings.IndexAny(rest[1:], ".[")
			if n < 0 {
				n = len(rest) - 1
			}
			s.Key, rest = rest[1:1+n], rest[1+n:]
		case '[':
			inside, after, closed := strings.Cut(rest[1:], "]")
			i, err := strconv.Atoi(inside)
			if !closed || err != nil || i < 0 {
				return nil, source.Errorf(source.Invalid, "source: `from: %s`: %q is no index; write it as [0]", from, rest)
			}
			s.Index, rest = &i, after
		default:
			return nil, source.Errorf(source.Invalid, "source: `from: %s`: after an index comes . or [, not %q", from, rest)
		}
		if s.Key == "" && s.Index == nil {
			return nil, source.Errorf(source.Invalid, "source: `from: %s` has an empty key", from)
		}
		steps = append(steps, s)
	}
	return steps, nil
}
