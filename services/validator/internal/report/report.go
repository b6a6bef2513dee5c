// Package report writes what was found in data as one page of HTML for people: a verdict, gates, every column with its expectations, how values are spread, and examples of what does not hold.
//
// The page needs nothing beside itself: no network, no scripts. Equal input gives equal bytes. What comes from data is escaped, and masked as Redact says.
package report

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io"
	"strings"
	"time"

	"github.com/leathq/leat/services/validator/internal/gates"
	"github.com/leathq/leat/services/validator/internal/gx"
	"github.com/leathq/leat/services/validator/internal/profile"
)

// Input is what the page tells. What is zero is left out of it.
type Input struct {
	Title     string           // what was looked at: a file, a dataset, a run
	Source    string           // where it is from
	Verdict   Verdict          // empty: what Result and Verdicts come to
	Result    *gx.SuiteResult  // what a suite came to
	Suggested *gx.Suite        // or a suite that the data suggests
	Counts    *Counts          // of rows
	Verdicts  []gates.Verdict  // of gates
	Columns   []profile.Column // what is in the columns
	Rows      []Example        // some rows that fail a check
	Refused   []Example        // some records that are no rows
	Redact    Redact           // empty: RedactPII
	When      time.Time        // when it was looked at
	Version   string           // of the code that did
}

// Verdict is what the page says at its head.
type Verdict string

// Verdicts. None is said of data that was held against nothing.
const (
	Valid   Verdict = "valid"
	Invalid Verdict = "not valid"
	Unknown Verdict = "could not tell"
)

// Counts are rows by what became of them: In is the sum of the others.
type Counts struct{ In, Valid, Quarantined, Refused int64 }

// Example is a row or a record that is not as it should be. Text comes from the data and is cut at 2,000 characters.
type Example struct {
	Where   string // such as a file and a line
	Reasons []string
	Text    string
}

//go:embed page.html.tmpl style.css
var files embed.FS

var page = template.Must(template.New("page.html.tmpl").Funcs(template.FuncMap{"examples": labelled}).ParseFS(files, "page.html.tmpl"))

// examplesOf are examples under a label.
type examplesOf struct {
	Label string
	List  []exampleView
}

func labelled(label string, list []exampleView) examplesOf { return examplesOf{label, list} }

var style = func() template.CSS {
	css, err := files.ReadFile("style.css")
	if err != nil {
		panic(err) // it is embedded above
	}
	return template.CSS(css) //nolint:gosec // our own file
}()

// HTML writes the page. It fails where w does, or where Redact is none that is known.
func HTML(w io.Writer, in Input) error {
	if err := in.Redact.check(); err != nil {
		return err
	}
	var b bytes.Buffer
	if err := page.Execute(&b, viewOf(&in)); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	if _, err := unseen.WriteString(w, strings.ToValidUTF8(b.String(), "\uFFFD")); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return nil
}

// unseen shows characters that nobody sees: those of control, and those that turn the order of the text around them, with which data would rewrite the page. The page itself has none.
var unseen = func() *strings.Replacer {
	var pairs []string
	for r := range rune(0x206A) {
		control := r < 0x20 && r != '\t' && r != '\n' && r != '\r' || r >= 0x7F && r < 0xA0
		if turns := r >= 0x202A && r <= 0x202E || r >= 0x2066; control || turns {
			pairs = append(pairs, string(r), fmt.Sprintf("\\u%04x", r))
		}
	}
	return strings.NewReplacer(pairs...)
}()
