package files

import (
	"maps"
	"path"
	"slices"
	"strings"
)

// special are the characters that make a pattern of a path.
const special = "*?["

// IsPattern says whether a path is a glob.
func IsPattern(p string) bool { return strings.ContainsAny(p, special) }

// Clean is a path as entries are named: without file:// and without a slash at its end.
func Clean(p string) string { return path.Clean(strings.TrimPrefix(p, "file://")) }

// prefix is the part of a pattern before its first element that is special: the directory to walk, or the path itself.
func prefix(pattern string) string {
	i := strings.IndexAny(pattern, special)
	if i < 0 {
		return pattern
	}
	i = strings.LastIndexByte(pattern[:i], '/')
	switch {
	case i < 0:
		return "."
	case i == 0:
		return "/"
	}
	return pattern[:i]
}

// Match says whether a name is matched by a pattern: path.Match element by element, and ** for any number of elements. A pattern that is malformed
// matches nothing.
func Match(pattern, name string) bool {
	return matchElements(strings.Split(path.Clean(pattern), "/"), strings.Split(path.Clean(name), "/"))
}

func matchElements(pattern, name []string) bool {
	for len(pattern) > 0 {
		if pattern[0] == "**" {
			for i := range len(name) + 1 {
				if matchElements(pattern[1:], name[i:]) {
					return true
				}
			}
			return false
		}
		if len(name) == 0 {
			return false
		}
		if ok, err := path.Match(pattern[0], name[0]); !ok || err != nil {
			return false
		}
		pattern, name = pattern[1:], name[1:]
	}
	return len(name) == 0
}

func sorted(found map[string]Entry) []Entry {
	out := make([]Entry, 0, len(found))
	for _, n := range slices.Sorted(maps.Keys(found)) {
		out = append(out, found[n])
	}
	return out
}
