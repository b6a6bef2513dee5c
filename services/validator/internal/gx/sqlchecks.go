package gx

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// askForSQL says how.
const askForSQL = "Ask for SQL (sql: true in the stage's spec, options.sql of Validate, or leat data validate --sql)"

// needsDatabase is why GX fails on tables in memory.
func needsDatabase(kind string) error {
	return fmt.Errorf("%s needs a database: GX has no provider of it for tables in memory. %s to run it as on an SQLite made of the rows", kind, askForSQL)
}

// quotedSQL is what the word JOIN does not count in.
var (
	quotedSQL = regexp.MustCompile("(?s)'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|`[^`]*`|\\[[^\\]]*\\]|--[^\\n]*|/\\*.*?\\*/")
	joins     = regexp.MustCompile(`(?i)\bJOIN\b`)
)

// unexpectedRows runs a query that finds the rows that should not be there.
func unexpectedRows(b *builder) error {
	written := b.text("unexpected_rows_query")
	batch := "(SELECT * FROM batch WHERE 1 = 1)"
	if !joins.MatchString(quotedSQL.ReplaceAllString(written, " ")) { // with a JOIN, names are the query's own matter
		batch += " AS subselect"
	}
	query, err := braces(strings.TrimRight(written, "; \t\r\n\v\f"), batch)
	if err != nil {
		return err
	}
	if !b.plan.options.SQL || b.plan.options.Database == nil {
		return needsDatabase(b.item.expectation.Type)
	}
	level := b.item.format.Level
	b.item.part = b.sqlRows()
	b.item.finish = func(p part, e *ending) outcome {
		d, err := e.ofRows(p.(*sqlRows))
		if err != nil {
			return failed(err)
		}
		o := ask(d, query, level == Complete)
		if again := (interface{ Again() bool })(nil); errors.As(o.err, &again) && again.Again() {
			e.err = o.err
		}
		return o
	}
	return nil
}

// ask counts the rows of a query, and lists them where that is wanted.
func ask(d Database, query string, list bool) outcome {
	_, counted, err := d.Ask("SELECT COUNT(*) AS unexpected_row_count FROM ("+query+"\n) AS subselect", 1)
	if err != nil {
		return failed(err)
	}
	names, rows, err := d.Ask(query, mostRecords)
	if err != nil {
		return failed(err)
	}
	n, ok := counted[0][0].(int64)
	if !ok {
		return failed(errors.New("the database counts in something that is no number"))
	}
	o := told(n == 0, n)
	if !list {
		return o
	}
	records := []any{}
	for _, row := range rows {
		r := Object{}
		for i, name := range names {
			if bytes, ok := row[i].([]byte); ok {
				row[i] = string(bytes)
			}
			r.Set(name, row[i])
		}
		records = append(records, r)
	}
	o.result.Set("details", Object{{"unexpected_rows", records}})
	return o
}

// otherTable compares the number of rows with that of a table of the options.
func otherTable(b *builder) error {
	name := b.text("other_table_name")
	if !b.plan.options.SQL {
		return needsDatabase(b.item.expectation.Type)
	}
	other, ok := b.plan.options.Tables[name]
	if !ok {
		return fmt.Errorf("there is no table %q to compare with; say how many rows it has, as {%q: ROWS} (tables in the stage's spec, options.tables of Validate, or leat data validate --tables)", name, name)
	}
	return b.counted(func(n int64) outcome {
		return told(n == other, Object{{"self", n}, {"other", other}})
	})
}

// ReadTables reads how many rows tables have from a JSON object of names and numbers; no text is no tables.
func ReadTables(data []byte) (map[string]int64, error) {
	if len(data) == 0 {
		return nil, nil
	}
	var out map[string]int64
	if err := json.Unmarshal(data, &out); err != nil {
		return nil, fmt.Errorf("the tables are no JSON object of names and numbers of rows: %w", err)
	}
	return out, nil
}
