// Package page takes the text out of HTML pages. It fetches nothing and runs no scripts.
package page

import (
	"bytes"
	"fmt"
	"io"
	"net/url"
	"strings"

	"codeberg.org/readeck/go-readability/v2"
	"codeberg.org/readeck/go-readability/v2/render"
	"golang.org/x/net/html"
	"golang.org/x/net/html/charset"
)

// Page is what a page says.
type Page struct {
	Title    string
	Language string // of the html element; empty where it says none
	URL      string // canonical; empty where the page names none
	Text     string
}

// What of a page is its text.
const (
	Main = "main" // the article, without menus and the like, found as browsers' reading modes do (Mozilla's Readability); all where there is none
	All  = "all"  // everything that a reader would see
)

// Read takes the text of a page. The encoding is that of the content type, where it names one, else of a byte order mark or the page's own meta
// element, else as browsers guess. Only a content type that cannot be, and a page that nests beyond reason, are errors.
func Read(raw []byte, contentType, address, what string) (p Page, err error) {
	// The library panics on pages that are built to hurt; one page must not end a run.
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the page cannot be read: %v", r)
		}
	}()
	r, err := charset.NewReader(bytes.NewReader(raw), contentType)
	if err != nil {
		return Page{}, fmt.Errorf("the page's encoding cannot be read: %w", err)
	}
	text, err := io.ReadAll(r)
	if err != nil {
		return Page{}, fmt.Errorf("the page's encoding cannot be read: %w", err)
	}
	doc, err := html.Parse(bytes.NewReader(bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))))
	if err != nil {
		return Page{}, fmt.Errorf("the page cannot be read: %w", err)
	}
	if deep(doc) {
		return Page{}, fmt.Errorf("the page nests more than %d elements", maxDepth)
	}
	p.head(doc)
	if what == Main {
		p.main(doc, address)
	}
	if p.Text == "" {
		p.Text = tidy(render.InnerText(doc))
	}
	return p, nil
}

// maxDepth bounds nesting, as what walks pages is recursive.
const maxDepth = 2000

func deep(n *html.Node) bool {
	depth := 0
	for at := n; at != nil; {
		if at.FirstChild != nil {
			if depth++; depth > maxDepth {
				return true
			}
			at = at.FirstChild
			continue
		}
		for at != nil && at != n && at.NextSibling == nil {
			at = at.Parent
			depth--
		}
		if at == nil || at == n {
			return false
		}
		at = at.NextSibling
	}
	return false
}

// head reads what a page says of itself.
func (p *Page) head(doc *html.Node) {
	for n := range doc.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		switch n.Data {
		case "html":
			p.Language = attribute(n, "lang")
		case "title":
			if p.Title == "" && n.FirstChild != nil && n.Namespace == "" {
				p.Title = strings.Join(strings.Fields(n.FirstChild.Data), " ")
			}
		case "link":
			if strings.EqualFold(attribute(n, "rel"), "canonical") && p.URL == "" {
				p.URL = attribute(n, "href")
			}
		}
	}
}

func attribute(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return strings.TrimSpace(a.Val)
		}
	}
	return ""
}

func (p *Page) main(doc *html.Node, address string) {
	at, err := url.Parse(address)
	if err != nil || !at.IsAbs() {
		at = nil
	}
	a, err := readability.FromDocument(doc, at)
	if err != nil || a.Node == nil {
		return
	}
	p.Text = tidy(render.InnerText(a.Node))
	if p.Title == "" {
		p.Title = a.Title()
	}
}

// tidy drops space at the ends of lines, and more than one empty line in a row.
func tidy(text string) string {
	var out []string
	for line := range strings.SplitSeq(text, "\n") {
		line = strings.TrimRight(line, " \t\r\u00a0")
		if line == "" && (len(out) == 0 || out[len(out)-1] == "") {
			continue
		}
		out = append(out, line)
	}
	return strings.TrimSpace(strings.Join(out, "\n"))
}
