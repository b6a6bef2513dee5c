package document_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/leathq/leat/services/ingestor/internal/source/document"
	"github.com/leathq/leat/services/ingestor/internal/source/sourcetest"
)

type row = map[string]any

func read(t *testing.T, yaml string, content map[string]string) *sourcetest.Result {
	t.Helper()
	s, err := document.New([]byte("path: .\nmax_bad: 100%\n"+yaml), sourcetest.Deps(sourcetest.Write(t, content)))
	if err != nil {
		return &sourcetest.Result{Err: err}
	}
	return sourcetest.Read(t, s, nil)
}

// A file, a line or a paragraph is a row; what is no text is refused alone.
func TestTexts(t *testing.T) {
	content := map[string]string{"a.txt": "\xef\xbb\xbfone\r\ntwo\n\n\nthree\n", "b/README": "plain", "c.md": "", "skip.png": "\x89PNG", ".hidden": "x", "z.txt": "a\x00b", "y.txt": "ok\n\n\xff\n"}
	for yaml, want := range map[string][]row{
		"type: text":                  {{"path": "a.txt", "text": "one\r\ntwo\n\n\nthree\n"}, {"path": "b/README", "text": "plain"}},
		"type: text\neach: line":      {{"path": "a.txt", "line": int64(1), "text": "one"}, {"path": "a.txt", "line": int64(2), "text": "two"}, {"path": "a.txt", "line": int64(5), "text": "three"}, {"path": "b/README", "line": int64(1), "text": "plain"}, {"path": "y.txt", "line": int64(1), "text": "ok"}},
		"type: text\neach: paragraph": {{"path": "a.txt", "line": int64(1), "text": "one\ntwo"}, {"path": "a.txt", "line": int64(5), "text": "three"}, {"path": "b/README", "line": int64(1), "text": "plain"}, {"path": "y.txt", "line": int64(1), "text": "ok"}},
	} {
		r := read(t, yaml, content)
		if r.Err != nil || !reflect.DeepEqual(r.Rows, want) {
			t.Errorf("%s: rows\n%v, not\n%v: %v", yaml, r.Rows, want, r.Err)
			continue
		}
		if len(r.Rejects) != 2 || !strings.Contains(r.Rejects[0].Reason, "not UTF-8") || !strings.Contains(r.Rejects[1].Reason, "NUL") {
			t.Errorf("%s: refused %+v", yaml, r.Rejects)
		}
	}
}

// Texts longer than allowed are refused by where they begin, and what follows is read.
func TestLongTexts(t *testing.T) {
	content := map[string]string{"a.txt": strings.Repeat("x", 50) + "\n\nok\n\n" + strings.Repeat("many\nlines\n", 20) + "\nlast"}
	r := read(t, "type: text\neach: paragraph\nmax_record_bytes: 40", content)
	if got := r.Column("text"); !reflect.DeepEqual(got, []any{"ok", "last"}) || len(r.Rejects) != 2 || r.Rejects[1].Line != 5 {
		t.Errorf("%v, refused %+v, %v", got, r.Rejects, r.Err)
	}
	r = read(t, "type: text\nmax_record_bytes: 40", content)
	if len(r.Rows) != 0 || len(r.Rejects) != 1 || !strings.Contains(r.Rejects[0].Reason, "longer than 40 bytes") {
		t.Errorf("%v, refused %+v, %v", r.Rows, r.Rejects, r.Err)
	}
}

const article = `<!doctype html><html lang="en"><head><title>On  mills</title><link rel="canonical" href="https://example.com/mills"><script>var x = 1</script></head>
<body><nav><a href="/">Home</a> <a href="/b">Blog</a></nav><article><h1>On mills</h1><p>` + "Water turns the wheel, and the wheel turns the stone, which grinds what the farmers bring in from the fields around the village. " +
	`</p><p>` + "A leat is the channel that brings the water; it is dug with a slight fall so that nothing is lost, and a sluice at its head lets in as much as the mill can use. " +
	`</p><p>caf&eacute;</p></article><footer>Imprint</footer></body></html>`

// Pages give their text, title, language and address: the article alone, or all that a reader sees, and never a script.
func TestPages(t *testing.T) {
	content := map[string]string{"a.html": article, "b.htm": "<meta charset=iso-8859-1><p>caf\xe9", "c.txt": "no"}
	r := read(t, "type: html", content)
	if r.Err != nil || len(r.Rows) != 2 {
		t.Fatal(r.Rows, r.Err)
	}
	a := r.Rows[0]
	text, _ := a["text"].(string)
	if a["title"] != "On mills" || a["language"] != "en" || a["url"] != "https://example.com/mills" || a["path"] != "a.html" {
		t.Errorf("page %v", a)
	}
	if !strings.Contains(text, "sluice") || !strings.Contains(text, "café") || strings.Contains(text, "Imprint") || strings.Contains(text, "var x") {
		t.Errorf("text %q", text)
	}
	if r.Rows[1]["text"] != "café" || r.Rows[1]["title"] != nil {
		t.Errorf("page %v", r.Rows[1])
	}
	r = read(t, "type: html\ncontent: all", content)
	if text, _ := r.Rows[0]["text"].(string); !strings.Contains(text, "Imprint") || !strings.Contains(text, "Home") || strings.Contains(text, "var x") {
		t.Errorf("all text %q", text)
	}
}

// A page that is built to hurt is refused, and the next one read.
func TestDeepPage(t *testing.T) {
	r := read(t, "type: html", map[string]string{"a.html": strings.Repeat("<div>", 100000), "b.html": article})
	if r.Err != nil || len(r.Rows) != 1 || len(r.Rejects) != 1 {
		t.Errorf("%d rows, refused %d, %v", len(r.Rows), len(r.Rejects), r.Err)
	}
}

func TestMistakesInYAML(t *testing.T) {
	for yaml, want := range map[string]string{
		"type: text\neach: word":                       "each: word",
		"type: text\ncontent: all":                     "`content` is for",
		"type: html\neach: line":                       "`each` is for",
		"type: html\ncontent: most":                    "content: most",
		"type: text\ncolumns: [txt]":                   `do you mean "text"`,
		"type: text\ncolumns: [{name: n, from: line}]": `no "line"`,
	} {
		if r := read(t, yaml, map[string]string{"a.txt": "x", "b.html": "y"}); r.Err == nil || !strings.Contains(r.Err.Error(), want) {
			t.Errorf("%q: %v does not say %q", yaml, r.Err, want)
		}
	}
}
