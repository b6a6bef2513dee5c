package chat_test

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/leathq/leat/services/gateway/internal/chat"
)

var hello = []chat.Message{{Role: "user", Content: "hello"}}

func render(t *testing.T, source string, messages []chat.Message) (string, *chat.Error) {
	t.Helper()
	tmpl, err := chat.Parse(source, "<s>", "</s>")
	if err != nil {
		t.Fatalf("Parse(%q): %v", source, err)
	}
	text, err := tmpl.Render(messages, true, goldenNow)
	if err == nil {
		return text, nil
	}
	var e *chat.Error
	if !errors.As(err, &e) {
		t.Fatalf("%T is no *chat.Error: %v", err, err)
	}
	return "", e
}

// The template's own refusal is told apart from a failure, and comes in its own words.
func TestRefusalAndFailure(t *testing.T) {
	if _, e := render(t, `{{ raise_exception("say " ~ messages[0].role ~ " less") }}`, hello); e == nil || !e.Raised || e.Message != "say user less" {
		t.Errorf("raise_exception: got %+v", e)
	}
	_, e := render(t, `{{ messages[0].content.nosuch() }}`, []chat.Message{{Role: "user", Content: "canary"}})
	if e == nil || e.Raised || strings.Contains(e.Message, "canary") {
		t.Errorf("failure: got %+v", e)
	}
}

// A template that runs away is stopped, soon, and takes nothing down with it.
func TestBounds(t *testing.T) {
	for _, tc := range []struct{ name, source, message string }{
		{"recursion", `{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}`, "more than 64 deep"},
		{"two macros", `{% macro f() %}{{ g() }}{% endmacro %}{% macro g() %}{{ f() }}{% endmacro %}{{ f() }}`, "more than 64 deep"},
		{"loops", `{% for a in range(9999) %}{% for b in range(9999) %}{% for c in range(9999) %}{% endfor %}{% endfor %}{% endfor %}`, "more than 200000 rounds"},
		{"range", `{% for a in range(2000000000) %}{% endfor %}`, "cannot render"},
		{"output", `{% for a in range(9999) %}` + strings.Repeat("x", 1000) + `{% endfor %}`, "output is larger"},
		{"growth", `{% set ns = namespace(x='xxxxxxxx') %}{% for a in range(24) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}`, "variable is larger"},
		{"panic", `{{ 'x' * -1 }}`, "cannot render"},
		{"zero division", `{{ 1 % 0 }}`, "cannot render"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			start := time.Now()
			text, e := render(t, tc.source, hello)
			if e == nil || e.Raised || !strings.Contains(e.Message, tc.message) {
				t.Errorf("got %d bytes, %+v; want a failure with %q", len(text), e, tc.message)
			}
			if d := time.Since(start); d > time.Minute {
				t.Errorf("it took %v", d)
			}
		})
	}
}

// A long conversation is not a runaway.
func TestLargeMessages(t *testing.T) {
	big := []chat.Message{{Role: "user", Content: strings.Repeat("word ", 1<<20)}}
	text, err := load(t, "smollm2").Render(big, true, nil)
	if err != nil || len(text) < 5<<20 {
		t.Fatalf("5 MiB: %d bytes, %v", len(text), err)
	}
	many := make([]chat.Message, 2000)
	for i := range many {
		many[i] = chat.Message{Role: "user", Content: "m"}
	}
	if text, err := load(t, "qwen-like").Render(many, true, nil); err != nil || strings.Count(text, "<|im_start|>user") != 2000 {
		t.Fatalf("2,000 messages: %d bytes, %v", len(text), err)
	}
}

// A template reads nothing but its messages, and cannot spell the guards that hold it.
func TestParseRefusals(t *testing.T) {
	for _, source := range []string{
		`{% include "/etc/passwd" %}`, `{% import "/etc/passwd" as x %}`, `{% extends "/etc/passwd" %}`, `{% from "/etc/passwd" import x %}`,
		`{% __leave__ %}`, `{% for x in messages recursive %}{{ loop(x) }}{% endfor %}`,
		`{% if x %}`, `{{ x`, `{% raw %}`, `{# x`, `{{ 'x }}`, `{{ ) }}`, `{% %}`, `{% nosuch %}`, `{{ x x }}`,
		strings.Repeat("x", 2<<20),
	} {
		if _, err := chat.Parse(source, "", ""); err == nil || len(err.Error()) > 1000 {
			t.Errorf("Parse(%.40q) = %v; want a short error", source, err)
		}
	}
}

// "developer" replaced "system": a template that does not know it gets the old name.
func TestDeveloperRole(t *testing.T) {
	messages := []chat.Message{{Role: "developer", Content: "x"}}
	if got, _ := render(t, `{{ messages[0].role }}`, messages); got != "system" {
		t.Errorf("template without developer: %q", got)
	}
	if got, _ := render(t, `{% if messages[0].role == 'developer' %}{{ messages[0].role }}{% endif %}`, messages); got != "developer" {
		t.Errorf("template with developer: %q", got)
	}
}

// One template serves many requests at once, and none sees another's messages.
func TestConcurrentRenders(t *testing.T) {
	tmpl := load(t, "everything")
	var wg sync.WaitGroup
	for g := range 8 {
		content := strings.Repeat(string(rune('a'+g)), 10+g)
		wg.Go(func() {
			for range 20 {
				text, err := tmpl.Render([]chat.Message{{Role: "user", Content: content}}, true, nil)
				if err != nil || !strings.Contains(text, "\n"+content+" empty;") {
					t.Errorf("got %q, %v", text, err)
					return
				}
			}
		})
	}
	wg.Wait()
}

// Values are Python's strftime of the same moment in the C locale.
func TestStrftime(t *testing.T) {
	for format, want := range map[string]string{
		"%Y-%m-%d": "2026-03-07", "%d %b %Y": "07 Mar 2026", "%B %d, %Y": "March 07, 2026", "%A %a %j %u %w": "Saturday Sat 066 6 6",
		"%H:%M:%S %I %p": "14:05:09 02 PM", "%-d %-m %e": "7 3  7", "%y%%": "26%", "%q %": "%q %", "%F %T %D %R": "2026-03-07 14:05:09 03/07/26 14:05",
	} {
		if got, e := render(t, `{{ strftime_now("`+format+`") }}`, hello); e != nil || got != want {
			t.Errorf("%s: got %q, %v; want %q", format, got, e, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, source := range []string{
		"{{ 'a' if b else c }}", "{%- for x in messages -%}{{ x.content|trim }}{%- endfor %}", "{% raw %}{{{% endraw %}", "{#-#}\n{%+if x%}{%endif%}",
		"{% macro f(a=1) %}{{ a }}{% endmacro %}{{ f((1)) }}", `{{ "\u00e9\x41\'" ~ ('a').strip()[0] }}`, "{{ {'a': [1, (2)]} | tojson(indent=2) }}", "{{{}}}",
		"{% set x = 1 if y %}{% set ns.z %}b{% endset %}", "{{ 1 -}}\n {{- 2 }}",
	} {
		f.Add(source)
	}
	f.Fuzz(func(t *testing.T, source string) {
		if tmpl, err := chat.Parse(source, "<s>", "</s>"); err == nil {
			_, _ = tmpl.Render(hello, true, goldenNow)
		}
	})
}

// Whatever a message holds, it is text: it comes out as it is, where it belongs.
func FuzzRender(f *testing.F) {
	f.Add("user", "{{ 7 * 7 }}")
	f.Add("user", "<|im_end|>\n{% raw %}")
	tmpl := load(f, "smollm2")
	const system = "<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n"
	f.Fuzz(func(t *testing.T, role, content string) {
		if role == "system" || role == "developer" {
			return
		}
		want := system + "<|im_start|>" + role + "\n" + content + "<|im_end|>\n<|im_start|>assistant\n"
		if got, err := tmpl.Render([]chat.Message{{Role: role, Content: content}}, true, nil); err != nil || got != want {
			t.Fatalf("got %q, %v; want %q", got, err, want)
		}
	})
}

func BenchmarkRenderSmolLM2(b *testing.B) {
	tmpl := load(b, "smollm2")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := tmpl.Render(hello, true, nil); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRenderQwenLike(b *testing.B) {
	tmpl := load(b, "qwen-like")
	messages := []chat.Message{{Role: "system", Content: "x"}, {Role: "user", Content: "a"}, {Role: "assistant", Content: "b"}, {Role: "user", Content: "c"}}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := tmpl.Render(messages, true, nil); err != nil {
			b.Fatal(err)
		}
	}
}
