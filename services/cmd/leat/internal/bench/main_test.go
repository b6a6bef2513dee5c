package bench_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/leathq/leat/pkg/conf"
	"github.com/leathq/leat/services/cmd/leat/internal/bench"
)

func TestMainWritesAllReports(t *testing.T) {
	t.Parallel()
	url := start(t, sse(nil, role, token("a"), token("b"), finish, counts, done))
	dir := t.TempDir()
	jsonFile, htmlFile := filepath.Join(dir, "r.json"), filepath.Join(dir, "r.html")
	var out, progress bytes.Buffer
	args := []string{"--requests", "50", url, "--model=m", "--concurrency", "2", "--json", jsonFile, "--html", htmlFile, "--slo-ttft", "10s",
		"--header", "X-Secret: s3cret"}
	if err := bench.Main(t.Context(), args, &out, &progress); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"50 ok", "time to first token", "inter-token gap", "goodput", "TTFT ≤ 10s", "leat bench"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the text report lacks %q:\n%s", want, out.String())
		}
	}
	data, err := os.ReadFile(jsonFile)
	if err != nil {
		t.Fatal(err)
	}
	var rep bench.Report
	if err := json.Unmarshal(data, &rep); err != nil || rep.OK != 50 || rep.Goodput.Share != 1 || rep.TTFT.P50 <= 0 {
		t.Errorf("JSON report: %v, ok %d, goodput %g", err, rep.OK, rep.Goodput.Share)
	}
	page, err := os.ReadFile(htmlFile)
	if err != nil {
		t.Fatal(err)
	}
	checkPage(t, string(page), url)
	for name, text := range map[string]string{"JSON": string(data), "HTML": string(page), "text": out.String()} {
		if strings.Contains(text, "s3cret") {
			t.Errorf("the %s report shows a header's value", name)
		}
	}
}

// The page must work offline: it names no address but the measured one, and loads nothing.
func checkPage(t *testing.T, page, url string) {
	t.Helper()
	if n := strings.Count(page, "<svg"); n < 3 {
		t.Errorf("the page has %d plots", n)
	}
	for _, bad := range []string{"<script", "<link", "src=", "@import", "url(", "NaN", "Inf", "ZgotmplZ"} {
		if strings.Contains(page, bad) {
			t.Errorf("the page contains %q", bad)
		}
	}
	for _, address := range regexp.MustCompile(`https?://[^\s<"]+`).FindAllString(page, -1) {
		if !strings.HasPrefix(address, url) {
			t.Errorf("the page names %s", address)
		}
	}
}

func TestHelpNamesEveryFlag(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	err := bench.Main(t.Context(), []string{"--help"}, &out, &out)
	var help conf.Help
	if !errors.As(err, &help) {
		t.Fatalf("error %v, want the help", err)
	}
	for _, name := range []string{"rps", "concurrency", "duration", "requests", "prompt-tokens", "max-tokens", "shared-prefix", "prompt-file",
		"input", "model", "api-key-env", "header", "timeout", "warmup", "seed", "slo-ttft", "slo-tpot", "slo-e2e", "pid", "json", "html"} {
		if !strings.Contains(string(help), "-"+name) {
			t.Errorf("--help lacks --%s", name)
		}
	}
}

func TestBadCommandLinesAreRefused(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{
		"no URL":           {},
		"two URLs":         {"http://a", "http://b"},
		"not a URL":        {"localhost:8080"},
		"other scheme":     {"ftp://a"},
		"credentials":      {"http://u:p@a"},
		"unknown flag":     {"http://a", "--nope"},
		"both loops":       {"http://a", "--rps=1", "--concurrency=1"},
		"negative rps":     {"http://a", "--rps=-1"},
		"endpoint":         {"http://a", "--endpoint=embeddings"},
		"arrivals":         {"http://a", "--rps=1", "--arrivals=bursty"},
		"no time":          {"http://a", "--timeout=0"},
		"prompt and input": {"http://a", "--prompt-file=a", "--input=b"},
		"prefix too long":  {"http://a", "--prompt-tokens=5", "--shared-prefix=6"},
		"header":           {"http://a", "--header=nocolon"},
		"param":            {"http://a", "--param=temperature"},
		"pid":              {"http://a", "--pid=gateway=x"},
		"no key":           {"http://a", "--api-key-env=LEAT_BENCH_NO_SUCH_VARIABLE"},
		"SLO of unary":     {"http://a", "--stream=false", "--slo-ttft=1s"},
		"ramp of open":     {"http://a", "--rps=1", "--ramp=1s"},
		"missing file":     {"http://a", "--model=m", "--input=/no/such/file"},
	} {
		var out bytes.Buffer
		if err := bench.Main(t.Context(), args, &out, &out); err == nil || conf.IsUsage(err) != (name != "missing file") {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

func TestFailOnError(t *testing.T) {
	t.Parallel()
	url := start(t, text(500, "text/plain", "no"))
	var out bytes.Buffer
	err := bench.Main(t.Context(), []string{url, "--model=m", "--requests=2", "--fail-on-error"}, &out, &out)
	if err == nil || !strings.Contains(out.String(), "http 500") {
		t.Errorf("error %v, output %s", err, out.String())
	}
}
