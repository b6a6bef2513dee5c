package page_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/leathq/leat/services/ingestor/internal/source/page"
)

// The encoding is taken from where the page or its sender says it.
func TestEncodings(t *testing.T) {
	for name, c := range map[string]struct{ raw, contentType string }{
		"content type":    {"<p>caf\xe9", "text/html; charset=iso-8859-1"},
		"meta":            {"<meta charset=windows-1252><p>caf\xe9", ""},
		"UTF-8":           {"<meta charset=utf-8><p>café", ""},
		"byte order mark": {"\xff\xfe<\x00p\x00>\x00c\x00a\x00f\x00\xe9\x00", ""},
	} {
		if p, err := page.Read([]byte(c.raw), c.contentType, "", page.Main); err != nil || p.Text != "café" {
			t.Errorf("%s: %q, %v", name, p.Text, err)
		}
	}
}

// Blocks are lines, and scripts, styles and comments are no text.
func TestAll(t *testing.T) {
	p, err := page.Read([]byte("<style>a{}</style><h1>One</h1><!-- no --><p>two <b>three</b></p><script>x</script><ul><li>four<li>five</ul>"), "text/html", "", page.All)
	if err != nil || strings.Join(strings.Fields(p.Text), " ") != "One two three four five" || !strings.Contains(p.Text, "One\n") {
		t.Errorf("%q, %v", p.Text, err)
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte("<title>a</title><article><p>text</article>"), "text/html", "http://a/")
	f.Add([]byte("\xff\xfe<\x00<svg><title>x<table><p></svg>"), "x; charset=utf-16", "::")
	f.Fuzz(func(t *testing.T, raw []byte, contentType, address string) {
		if p, err := page.Read(raw, contentType, address, page.Main); err == nil && !utf8.ValidString(p.Text) {
			t.Errorf("%q gives %q", raw, p.Text)
		}
	})
}
