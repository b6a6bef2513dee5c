package blob

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Longest key and segment that every kind of store takes.
const (
	maxKey     = 900
	maxSegment = 200
)

// CheckKey refuses what is no key with ErrKey. A key is segments with slashes between them; a segment is not empty, does not
// begin with a dot, and has no control characters, backslashes or other bytes that are no UTF-8.
func CheckKey(key string) error {
	if key == "" || len(key) > maxKey || !utf8.ValidString(key) {
		return fmt.Errorf("%w: %.80q is empty, longer than %d bytes, or not UTF-8", ErrKey, key, maxKey)
	}
	for segment := range strings.SplitSeq(key, "/") {
		if segment == "" || segment[0] == '.' || len(segment) > maxSegment || strings.ContainsFunc(segment, badRune) {
			return fmt.Errorf("%w: the part %.80q of %.80q is empty, begins with a dot, is longer than %d bytes, or has characters that not every store takes",
				ErrKey, segment, key, maxSegment)
		}
	}
	return nil
}

func badRune(r rune) bool { return r < ' ' || r == 0x7f || strings.ContainsRune(`\:*?"<>|`, r) }

func checkPrefix(prefix string) error {
	if prefix == "" {
		return nil
	}
	bare, ok := strings.CutSuffix(prefix, "/")
	if !ok {
		return fmt.Errorf("%w: the prefix %.80q does not end with a slash", ErrKey, prefix)
	}
	return CheckKey(bare)
}
