package profile

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"

	"github.com/leathq/leat/services/validator/internal/pyjson"
	"github.com/leathq/leat/services/validator/internal/strftime"
)

// form is what the texts of a column look like: which of the well-known forms all have had so far, and their common shape. Only texts in ASCII without line breaks have one: over
// others the engines that run regular expressions do not agree.
type form struct {
	any     bool
	plain   uint32 // of patterns, those that all have met, by bits
	dated   uint32 // of formats
	json    bool
	shape   []run
	noShape bool
}

// pattern is a well-known form.
type pattern struct {
	regex string
	match *regexp.Regexp
}

func known(regex string) pattern { return pattern{regex, regexp.MustCompile(regex)} }

// patterns are well-known forms, the narrowest first: the first that all texts have is the column's.
var patterns = []pattern{
	known(`^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$`),
	known(`^(?:sha256:)?[0-9a-f]{64}$`),
	known(`^[0-9a-f]{40}$`),
	known(`^[0-9a-f]{32}$`),
	known(`^[0-9]{1,3}(?:\.[0-9]{1,3}){3}$`),
	known(`^https?://[^ ]+$`),
	known(`^[^@ ]+@[^@ ]+\.[A-Za-z]{2,}$`),
	known(`^-?[0-9]+$`),
	known(`^-?[0-9]+(?:\.[0-9]+)?$`),
}

// formats are of dates and times as texts, looked for in this order.
var formats = []string{
	"%Y-%m-%d", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%d %H:%M:%S.%f", "%Y-%m-%dT%H:%M:%S.%f", "%Y-%m-%dT%H:%M:%S.%fZ",
	"%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%Y/%m/%d", "%d %b %Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y", "%a, %d %b %Y %H:%M:%S %z", "%H:%M:%S",
}

// compiled are the formats. A format that is not understood is a mistake in this file, which the first test finds.
var compiled = func() (out []*strftime.Format) {
	for _, f := range formats {
		c, err := strftime.Compile(f)
		if err != nil || c.Bad() != "" {
			panic(fmt.Sprintf("profile: format %q: %v", f, err))
		}
		out = append(out, c)
	}
	return out
}()

func newForm() *form {
	return &form{plain: 1<<len(patterns) - 1, dated: 1<<len(formats) - 1, json: true}
}

func (f *form) add(v []byte) {
	f.any = true
	if f.json {
		f.json = structured(v)
	}
	if f.plain == 0 && f.dated == 0 && f.noShape {
		return
	}
	if !simple(v) {
		f.plain, f.dated, f.shape, f.noShape = 0, 0, nil, true
		return
	}
	for i := range patterns {
		if f.plain>>i&1 == 1 && !patterns[i].match.Match(v) {
			f.plain &^= 1 << i
		}
	}
	for i := range compiled {
		if f.dated>>i&1 == 1 && !compiled[i].Match(v) {
			f.dated &^= 1 << i
		}
	}
	f.reshape(v)
}

func (f *form) reshape(v []byte) {
	if f.noShape {
		return
	}
	if s := shapeOf(v); s == nil || f.shape != nil && !widen(f.shape, s) {
		f.shape, f.noShape = nil, true
	} else if f.shape == nil {
		f.shape = s
	}
}

// structured says whether a text is a JSON object or list. Around one JSON has these spaces and no others.
func structured(v []byte) bool {
	v = bytes.Trim(v, " \t\r\n")
	return len(v) > 0 && (v[0] == '{' || v[0] == '[') && pyjson.Check(v) == nil
}

func simple(v []byte) bool {
	if len(v) == 0 || len(v) > short {
		return false
	}
	for _, b := range v {
		if b < ' ' || b > '~' {
			return false
		}
	}
	return true
}

func (f *form) merge(o *form) {
	if !o.any {
		return
	}
	if !f.any {
		*f = *o
		return
	}
	f.plain, f.dated, f.json = f.plain&o.plain, f.dated&o.dated, f.json && o.json
	if f.noShape = f.noShape || o.noShape || !widen(f.shape, o.shape); f.noShape {
		f.shape = nil
	}
}

// describe is the narrowest form that all texts have.
func (f *form) describe() Form {
	if !f.any {
		return Form{}
	}
	for i, name := range formats {
		if f.dated>>i&1 == 1 {
			return Form{Strftime: name}
		}
	}
	for i, p := range patterns {
		if f.plain>>i&1 == 1 {
			return Form{Regex: p.regex}
		}
	}
	return Form{JSON: f.json, Regex: written(f.shape)}
}

// run is characters of one kind in a row.
type run struct {
	kind        byte // 'a', 'A', '0', or the character itself, of which a run is one
	least, most int
}

// mostRuns is how many runs a shape has: above, it is prose.
const mostRuns = 12

// shapeOf is a text's shape; nil where it is none that could be common to codes.
func shapeOf(v []byte) []run {
	var out []run
	for _, b := range v {
		kind := b
		switch {
		case '0' <= b && b <= '9':
			kind = '0'
		case 'a' <= b && b <= 'z':
			kind = 'a'
		case 'A' <= b && b <= 'Z':
			kind = 'A'
		}
		if n := len(out); n > 0 && out[n-1].kind == kind && (kind == '0' || kind == 'a' || kind == 'A') {
			out[n-1].least++
			out[n-1].most++
			continue
		}
		if len(out) == mostRuns {
			return nil
		}
		out = append(out, run{kind, 1, 1})
	}
	return out
}

// widen makes a shape fit another too; false where they differ in kind.
func widen(a, b []run) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i].kind != b[i].kind {
			return false
		}
		a[i].least, a[i].most = min(a[i].least, b[i].least), max(a[i].most, b[i].most)
	}
	return true
}

// written is a shape as a regular expression. Runs of one length keep it; others may be of any, since a sample does not tell how long they get.
func written(shape []run) string {
	if len(shape) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteByte('^')
	for _, r := range shape {
		switch r.kind {
		case '0':
			b.WriteString("[0-9]")
		case 'a':
			b.WriteString("[a-z]")
		case 'A':
			b.WriteString("[A-Z]")
		default:
			b.WriteString(regexp.QuoteMeta(string(r.kind)))
			continue
		}
		switch {
		case r.least != r.most:
			b.WriteByte('+')
		case r.most > 1:
			fmt.Fprintf(&b, "{%d}", r.most)
		}
	}
	b.WriteByte('$')
	return b.String()
}
