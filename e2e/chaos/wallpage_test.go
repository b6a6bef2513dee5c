package chaos_test

import (
	"os"
	"strings"
	"testing"
	"time"
)

// The section of docs/faults.md that the wall writes is between these.
const (
	wallBegin = "<!-- wall -->\n"
	wallEnd   = "<!-- /wall -->\n"
)

const wallTemplate = `Written by ` + "`make wall`" + ` on {date}. Machine: {machine}.

Through each way to the same six engines, at the same time, 50 clients stream (20 ms to the first token, 20 ms a token, 64 tokens) and
10 ask for whole answers, 20 a second at most; after a bad answer a client waits 0.5 s, as SDKs do. One of the engines is bad for 10 of
18 seconds. "nginx, as it comes" is 1.22 with ` + "`least_conn`" + ` and no buffering; "told to retry" has all that its configuration
offers besides, at Leat's numbers: 1 s to connect and between two reads, 3 tries on errors, time-outs, invalid headers and 5xx, POST
included, ` + "`max_fails=3 fail_timeout=2s`" + `. Leat's idle time-out is 1 s, the rest are defaults.

| the engine | through | streams | whole answers | streams on it at the fault | error statuses | error events | cut or garbled | stalled > 3 s | first token p99 ms | out after s | back after s |
|---|---|---|---|---|---|---|---|---|---|---|---|
{rows}
`

// writeWall puts a row into the page that -wall names, in place of an older one of the same engine and way.
func writeWall(row string) {
	if *wallPage == "" {
		return
	}
	note("wall", "%s", row)
}

// wallSection is the section with the new rows, and what an older one had of others.
func wallSection(old string, fresh []string) string {
	rows := map[string]string{}
	for _, row := range append(strings.Split(old, "\n"), fresh...) {
		if cells := strings.Split(row, " | "); len(cells) > 2 {
			rows[strings.TrimPrefix(cells[0], "| ")+"|"+cells[1]] = row
		}
	}
	var ordered []string
	for _, e := range evils {
		for _, at := range []string{leat, nginxPlain, nginxRetrying} {
			if row := rows[e.name+"|"+at]; row != "" {
				ordered = append(ordered, row)
			}
		}
	}
	return strings.NewReplacer(
		"{date}", time.Now().UTC().Format(time.DateOnly), "{machine}", machine(), "{rows}", strings.Join(ordered, "\n"),
	).Replace(wallTemplate)
}

// section is what the page in file has between the marks; empty where it has none.
func section(file string) string {
	page, _ := os.ReadFile(file) // no page, no section
	_, rest, _ := strings.Cut(string(page), wallBegin)
	old, _, found := strings.Cut(rest, wallEnd)
	if !found {
		return ""
	}
	return old
}

// updateWall writes the section of the page in file anew.
func updateWall(file string, fresh []string) error {
	page, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	old := section(file)
	before, rest, _ := strings.Cut(string(page), wallBegin)
	_, after, _ := strings.Cut(rest, wallEnd)
	return os.WriteFile(file, []byte(before+wallBegin+wallSection(old, fresh)+wallEnd+after), 0o644)
}

// A wall of some of the faults replaces their rows and keeps the others, in the same order.
func TestTheWallsPageKeepsOtherRows(t *testing.T) {
	file := t.TempDir() + "/faults.md"
	rows := []string{"| answers 500 | Leat | 1 |", "| refuses connections | Leat | 2 |"}
	if err := os.WriteFile(file, []byte("# Top\n"+wallBegin+wallEnd+"## Next\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, fresh := range [][]string{rows, {"| answers 500 | Leat | 3 |"}} {
		if err := updateWall(file, fresh); err != nil {
			t.Fatal(err)
		}
	}
	page, _ := os.ReadFile(file)
	if got := section(file); !strings.HasSuffix(got, "|\n| refuses connections | Leat | 2 |\n| answers 500 | Leat | 3 |\n") {
		t.Errorf("section:\n%s", got)
	}
	if !strings.HasPrefix(string(page), "# Top\n"+wallBegin) || !strings.HasSuffix(string(page), wallEnd+"## Next\n") {
		t.Errorf("page:\n%s", page)
	}
}
