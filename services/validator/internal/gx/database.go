package gx

import (
	"fmt"
	"strings"

	"github.com/leathq/leat/pkg/arrowio"
)

// Database answers questions in SQL, in the dialect of SQLite, about one table. It is used by one goroutine.
type Database interface {
	// Create makes the table "batch"; types are INTEGER, REAL, TEXT or BLOB.
	Create(names, types []string) error
	// Add appends a row of nil, int64, float64, string or []byte a column.
	Add(row []any) error
	// Ask runs one SELECT and returns its columns' names and at most so many rows. An error that has a method Again, which is true, says nothing of
	// the question: there is no result, and another try may have one.
	Ask(query string, most int) (names []string, rows [][]any, err error)
	Close() error
}

func affinity(t arrowio.Type) string {
	switch classOf(t) {
	case isInt, isUint, isBool:
		return "INTEGER"
	case isFloat, isNumber:
		return "REAL"
	case isText, isStamp, isDay:
		return "TEXT"
	case isCategory:
		return affinity(t.Elem[0].Type)
	}
	return "BLOB"
}

// stored is a cell as SQLAlchemy puts it into SQLite: points in time as text, decimals as floats.
func stored(c any) any {
	switch v := c.(type) {
	case bool:
		return int64(bit(v))
	case uint64:
		if v > 1<<63-1 {
			return float64(v)
		}
		return int64(v)
	case single:
		return float64(v)
	case stamp:
		return v.time().Format("2006-01-02 15:04:05.000000")
	case day:
		return v.iso()
	case exact:
		return v.float()
	case nil, int64, float64, string, []byte:
		return v
	}
	return printed(c, false)
}

// braces reads a query in the grammar of Python's str.format: {batch} is the table, {{ and }} are braces.
func braces(query, batch string) (string, error) {
	var b strings.Builder
	for i := 0; i < len(query); i++ {
		c := query[i]
		if c != '{' && c != '}' {
			b.WriteByte(c)
			continue
		}
		if i+1 < len(query) && query[i+1] == c {
			b.WriteByte(c)
			i++
			continue
		}
		end := strings.IndexAny(query[i+1:], "{}")
		if c == '}' || end < 0 || query[i+1+end] == '{' {
			return "", refuse("unexpected_rows_query contains an unpaired or malformed brace at byte %d. To include a literal brace in the query, double it: {{ and }}", i)
		}
		name := query[i+1 : i+1+end]
		if name != "batch" {
			return "", fmt.Errorf("`%s` is not a placeholder of the query; there is {batch}. To include a literal brace, double it: {{ and }}", name)
		}
		b.WriteString(batch)
		i += 1 + end
	}
	return b.String(), nil
}
