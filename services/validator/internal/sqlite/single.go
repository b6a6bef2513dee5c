package sqlite

import (
	"errors"
	"strings"
)

// Errors of questions that are none.
var (
	errSeveral  = errors.New("a query is one statement; this is several")
	errNoSelect = errors.New("the query is no question: it must begin with SELECT, WITH or VALUES")
)

// single refuses text that is not one SELECT: what SQLite forbids to one statement another could allow again.
func single(query string) error {
	bare := strings.TrimSpace(plain(query))
	if i := strings.IndexByte(bare, ';'); i >= 0 && strings.Trim(bare[i:], "; \t\r\n") != "" {
		return errSeveral
	}
	word := strings.ToUpper(bare[:min(len(bare), 6)])
	for _, first := range []string{"SELECT", "WITH", "VALUES"} {
		if strings.HasPrefix(word, first) {
			return nil
		}
	}
	return errNoSelect
}

// plain is the query with its comments and quoted parts blanked out; a doubled quote is two quoted parts.
func plain(query string) string {
	var b strings.Builder
	for len(query) > 0 {
		open, end := 1, query[:1]
		switch {
		case strings.HasPrefix(query, "--"):
			open, end = 2, "\n"
		case strings.HasPrefix(query, "/*"):
			open, end = 2, "*/"
		case query[0] == '[':
			end = "]"
		case query[0] != '\'' && query[0] != '"' && query[0] != '`':
			b.WriteByte(query[0])
			query = query[1:]
			continue
		}
		b.WriteByte(' ')
		_, query, _ = strings.Cut(query[open:], end)
	}
	return b.String()
}
