package chat_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/leathq/leat/services/gateway/internal/chat"
)

// golden is what the real Jinja made of one conversation: testdata/render.py writes it.
type golden struct {
	Conversation string
	Add          bool    `json:"add_generation_prompt"`
	Text         *string // the prompt
	Raised       *string // raise_exception's message
	Failed       *string // any other exception
}

func readJSON(t *testing.T, path string, into any) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(b, into)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func load(t testing.TB, name string) *chat.Template {
	t.Helper()
	source, err := os.ReadFile(filepath.Join("testdata", "templates", name+".jinja"))
	if err != nil {
		t.Fatal(err)
	}
	tmpl, err := chat.Parse(string(source), "<s>", "</s>")
	if err != nil {
		t.Fatal(err)
	}
	return tmpl
}

func goldenNow() time.Time { return time.Date(2026, 3, 7, 14, 5, 9, 0, time.UTC) }

// Every prompt is, byte for byte, what Hugging Face's set-up of Jinja makes of the same template and messages.
func TestKnownRenderings(t *testing.T) {
	var conversations map[string][]chat.Message
	readJSON(t, "testdata/conversations.json", &conversations)
	files, err := filepath.Glob("testdata/templates/*.jinja")
	if err != nil || len(files) == 0 {
		t.Fatalf("no templates: %v", err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".jinja")
		t.Run(name, func(t *testing.T) {
			var want []golden
			readJSON(t, filepath.Join("testdata", "golden", name+".json"), &want)
			if len(want) != 2*len(conversations) {
				t.Fatalf("%d golden renderings for %d conversations: run testdata/render.py", len(want), len(conversations))
			}
			tmpl := load(t, name)
			for _, w := range want {
				got, err := tmpl.Render(conversations[w.Conversation], w.Add, goldenNow)
				compare(t, w, got, err)
			}
		})
	}
}

func compare(t *testing.T, w golden, got string, err error) {
	t.Helper()
	var e *chat.Error
	switch {
	case w.Text != nil && err != nil:
		t.Errorf("%s: %v (%+v), want %q", w.Conversation, err, err, *w.Text)
	case w.Text != nil && got != *w.Text:
		t.Errorf("%s, generation prompt %v:\ngot  %q\nwant %q", w.Conversation, w.Add, got, *w.Text)
	case w.Raised != nil && (!errors.As(err, &e) || !e.Raised || e.Message != *w.Raised):
		t.Errorf("%s: got %q, %v, want raise_exception(%q)", w.Conversation, got, err, *w.Raised)
	case w.Failed != nil && (!errors.As(err, &e) || e.Raised):
		t.Errorf("%s: got %q, %v, want a failure (%s)", w.Conversation, got, err, *w.Failed)
	}
}
