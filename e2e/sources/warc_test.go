package sources_test

import (
	"fmt"
	"strings"
	"testing"
)

// Archives that warcio writes, pages packed, in chunks and plain, give each page's text once, in order.
func TestWebArchivesOfPython(t *testing.T) {
	dir, _ := written(t)
	for name, want := range map[string]func(i int) (text, title string){
		"crawl.warc.gz":     func(i int) (string, string) { return "Sentence 11 of this article", fmt.Sprint("Page ", i) },
		"crawl.warc.wet.gz": func(i int) (string, string) { return fmt.Sprintf("Text %d — ü", i), "" },
	} {
		rows, rejects, err := read(t, dir, "type: warc\npath: "+name)
		if err != nil || rejects > 0 || len(rows) != 30 {
			t.Fatalf("%s: %d rows, %d refused: %v", name, len(rows), rejects, err)
		}
		for i, r := range rows {
			text, title := want(i)
			got, _ := r["text"].(string)
			if !strings.Contains(got, text) || strings.Contains(got, "home") || title != "" && r["title"] != title {
				t.Errorf("%s: record %d has the title %v and the text %.80q", name, i, r["title"], got)
			}
			if r["url"] != fmt.Sprintf("http://site.example/%d", i) || r["date"] != "2026-01-02T03:04:05.000000Z" || !strings.Contains(fmt.Sprint(r["id"]), fmt.Sprintf("%012d", i)) {
				t.Errorf("%s: record %d is %v of %v at %v", name, i, r["id"], r["url"], r["date"])
			}
		}
	}
}
