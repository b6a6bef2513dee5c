package main_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/leathq/leat/pkg/assets"
)

var (
	fence       = regexp.MustCompile("(?ms)^ *```\\w*\n(.*?)^ *```")
	indented    = regexp.MustCompile(`(?m)^(?: {4}|\t)(.*)$`)
	span        = regexp.MustCompile("`([^`\n]+)`")
	commandLine = regexp.MustCompile(`(?:^|[\s/(])leat((?: [a-z]+)+)(.*)`)
	flagWord    = regexp.MustCompile(`(?:^|[\s(\[|/])(--[a-z][-a-z]*)`)
	between     = regexp.MustCompile(`[;|] | &&? `)
	quoted      = regexp.MustCompile(`"[^"]*"|'[^']*'`)
	variable    = regexp.MustCompile(`\bLEAT_[A-Z_]+\b`)
)

// snippets are what a page shows as typed: lines of its code blocks, and its code spans.
func snippets(page string) (out []string) {
	for _, m := range fence.FindAllStringSubmatch(page, -1) {
		out = append(out, strings.Split(strings.ReplaceAll(m[1], "\\\n", " "), "\n")...)
	}
	for _, re := range []*regexp.Regexp{indented, span} {
		for _, m := range re.FindAllStringSubmatch(page, -1) {
			out = append(out, m[1])
		}
	}
	return out
}

// manual is leat's own help, by command.
type manual struct {
	t    *testing.T
	said map[string]string
}

// of is the help of the longest command that begins the words; false where there is none, or they are no command of leat data or leat jobs.
func (m *manual) of(words []string) (command, help string, ok bool) {
	for n := min(3, len(words)); n > 0; n-- {
		command = strings.Join(words[:n], " ")
		if _, known := m.said[command]; !known {
			code, out, _ := run(m.t, "", append(slices.Clone(words[:n]), "--help")...)
			if code != 0 || n > 1 && !strings.Contains(out, "Usage: leat "+command) {
				out = ""
			}
			m.said[command] = out
		}
		if m.said[command] != "" {
			return command, m.said[command], n == len(words) || command != "data" && command != "jobs" && command != "jobs dlq"
		}
	}
	return "", "", false
}

// has says whether help lists a flag; those of the flag package have one dash.
func has(help, flag string) bool {
	return flag == "--help" || strings.Contains(help, "\n  "+flag+" ") || strings.Contains(help, "\n  "+flag[1:]+" ")
}

// Every command of leat that the pages show is one, has the flags that are shown with it, and every flag and LEAT_ variable that they name is somebody's.
func TestThePagesShowWhatThereIs(t *testing.T) {
	const root = "../../../"
	m, commands := &manual{t, map[string]string{}}, 0
	whole := everyHelp(t, m)
	for glob, ours := range map[string]bool{"README.md": true, "docs/*.md": true, "services/*/README.md": true, "deploy/*/README.md": false, "deploy/helm/leat/README.md": false, "tilt/README.md": false} {
		pages, err := filepath.Glob(root + glob)
		if err != nil || len(pages) == 0 {
			t.Fatal(glob, err)
		}
		for _, page := range pages {
			text, err := os.ReadFile(page)
			if err != nil {
				t.Fatal(err)
			}
			name := strings.TrimPrefix(page, root)
			commands += m.commands(name, string(text))
			names(t, name, string(text), whole, ours)
		}
	}
	if commands < 100 {
		t.Errorf("only %d command lines found", commands)
	}
}

// commands looks up the command lines of a page, and counts them.
func (m *manual) commands(page, text string) (n int) {
	for _, line := range snippets(text) {
		code, _, _ := strings.Cut(line, " #")
		for _, part := range between.Split(quoted.ReplaceAllString(code, "Q"), -1) {
			c := commandLine.FindStringSubmatch(part)
			if c == nil || strings.Contains(part, "helm ") {
				continue
			}
			n++
			name, help, ok := m.of(strings.Fields(c[1]))
			if !ok {
				m.t.Errorf("%s: leat has no command %s: %s", page, c[1], line)
				continue
			}
			for _, f := range flagWord.FindAllStringSubmatch(c[2], -1) {
				if !has(help, f[1]) {
					m.t.Errorf("%s: leat %s has no %s: %s", page, name, f[1], line)
				}
			}
		}
	}
	return n
}

// names looks up the variables that a page names, and where its flags are all leat's, these too.
func names(t *testing.T, page, text, whole string, flags bool) {
	for _, s := range span.FindAllStringSubmatch(text, -1) {
		for _, v := range variable.FindAllString(s[1], -1) {
			if !strings.Contains(whole, "("+v+")") && !strings.HasPrefix(v, "LEAT_SOURCE_") && !assets.IsEnv(v) {
				t.Errorf("%s: nothing reads %s: %s", page, v, s[1])
			}
		}
		if f := regexp.MustCompile(`^--[a-z][-a-z]*`).FindString(s[1]); flags && f != "" && !has(whole, f) {
			t.Errorf("%s: no command has %s", page, f)
		}
	}
}

// everyHelp is the help of all commands.
func everyHelp(t *testing.T, m *manual) string {
	var names []string
	for _, line := range []string{"help", "data help", "jobs help"} {
		_, out, _ := run(t, "", strings.Fields(line)...)
		above, _, _ := strings.Cut(line, "help")
		for _, c := range regexp.MustCompile(`(?m)^  ([a-z]+(?: (?:list|show|requeue))?)\b`).FindAllStringSubmatch(out, -1) {
			names = append(names, above+c[1])
		}
	}
	var b strings.Builder
	for _, name := range names {
		_, help, _ := m.of(strings.Fields(name))
		b.WriteString(help)
	}
	return b.String()
}
