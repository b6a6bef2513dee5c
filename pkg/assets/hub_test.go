package assets_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/leathq/leat/pkg/assets"
)

const commit = "0123456789abcdef0123456789abcdef01234567"

// hub plays a model hub: HEAD tells commit, size and checksum, GET redirects to a storage host.
type hub struct {
	*httptest.Server
	storage *httptest.Server
	files   map[string][]byte // by path in the repository o/r
	token   string            // wanted, "" for a public repository
	lie     bool              // announces another checksum

	mu    sync.Mutex
	heads int
	leak  bool // storage saw the token
	asked []string
	cutAt int
}

func newHub(t *testing.T, files map[string][]byte) *hub {
	t.Helper()
	h := &hub{files: files}
	h.Server = httptest.NewServer(http.HandlerFunc(h.resolve))
	h.storage = httptest.NewServer(http.HandlerFunc(h.store))
	t.Cleanup(h.Close)
	t.Cleanup(h.storage.Close)
	return h
}

func (h *hub) refuse(w http.ResponseWriter, status int, code string) {
	w.Header().Set("X-Error-Code", code)
	w.WriteHeader(status)
}

func (h *hub) resolve(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if r.Method == http.MethodHead {
		h.heads++
	}
	if h.token != "" && r.Header.Get("Authorization") != "Bearer "+h.token {
		h.refuse(w, http.StatusUnauthorized, "GatedRepo")
		return
	}
	rest, ok := strings.CutPrefix(r.URL.Path, "/o/r/resolve/")
	if !ok {
		h.refuse(w, http.StatusNotFound, "RepoNotFound")
		return
	}
	rev, file, _ := strings.Cut(rest, "/")
	body, ok := h.files[file]
	switch {
	case rev != "main" && rev != commit:
		h.refuse(w, http.StatusNotFound, "RevisionNotFound")
		return
	case !ok:
		h.refuse(w, http.StatusNotFound, "EntryNotFound")
		return
	}
	etag := sum(body)
	if h.lie {
		etag = sum([]byte("another file"))
	}
	w.Header().Set("X-Repo-Commit", commit)
	w.Header().Set("X-Linked-Etag", `"`+etag+`"`)
	w.Header().Set("X-Linked-Size", strconv.Itoa(len(body)))
	// The storage is another host by name, as it is in the world.
	http.Redirect(w, r, strings.Replace(h.storage.URL, "127.0.0.1", "localhost", 1)+"/"+file, http.StatusFound)
}

func (h *hub) store(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	h.leak = h.leak || r.Header.Get("Authorization") != ""
	h.asked = append(h.asked, r.Header.Get("Range"))
	srv := &flaky{body: h.files[r.URL.Path[1:]], ranges: true, cutAt: h.cutAt}
	h.mu.Unlock()
	srv.ServeHTTP(w, r)
}

func gguf(n int) []byte { return append([]byte("GGUF"), random(n)...) }

func ensureHub(t *testing.T, h *hub, cache, model string, opt assets.Options) (assets.Paths, error) {
	t.Helper()
	opt.CacheDir, opt.Hub = cache, h.URL
	return assets.Ensure(t.Context(), assets.Spec{NoEngine: true, Model: model}, opt)
}

// A hub model arrives whole over a line that breaks, and is not asked for again.
func TestHubModel(t *testing.T) {
	body := gguf(200_000)
	h := newHub(t, map[string][]byte{"q4/tiny.gguf": body})
	h.cutAt = 70_000
	cache := t.TempDir()
	p, err := ensureHub(t, h, cache, "hf:o/r/q4/tiny.gguf", assets.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(p.Model); !bytes.Equal(got, body) || p.ModelName != "tiny" {
		t.Fatalf("%s: %d bytes, name %q", p.Model, len(got), p.ModelName)
	}
	if len(h.asked) < 3 || h.asked[1] == "" {
		t.Errorf("the storage was asked for %q", h.asked)
	}
	h.Close()
	again, err := ensureHub(t, h, cache, "hf:o/r/q4/tiny.gguf@main", assets.Options{})
	if err != nil || again != p {
		t.Fatalf("with the hub gone: %v, %v", again, err)
	}
}

// A model in parts is complete only with all of them, all from one commit.
func TestHubModelInParts(t *testing.T) {
	h := newHub(t, map[string][]byte{"big-00001-of-00002.gguf": gguf(1000), "big-00002-of-00002.gguf": gguf(2000)})
	cache := t.TempDir()
	p, err := ensureHub(t, h, cache, "hf:o/r/big-00001-of-00002.gguf", assets.Options{})
	if err != nil {
		t.Fatal(err)
	}
	second := filepath.Join(filepath.Dir(p.Model), "big-00002-of-00002.gguf")
	if _, err := os.Stat(second); err != nil || p.ModelName != "big" {
		t.Fatalf("%q: %v", p.ModelName, err)
	}
	if err := os.Remove(second); err != nil {
		t.Fatal(err)
	}
	if _, err := ensureHub(t, h, cache, "hf:o/r/big-00001-of-00002.gguf", assets.Options{Offline: true}); err == nil {
		t.Fatal("a model without its second part counts as complete")
	}
}

// A token opens a gated repository and never leaves for the storage host.
func TestHubTokenStaysAtTheHub(t *testing.T) {
	h := newHub(t, map[string][]byte{"m.gguf": gguf(100)})
	h.token = "hf_secret"
	if _, err := ensureHub(t, h, t.TempDir(), "hf:o/r/m.gguf", assets.Options{HubToken: "hf_secret"}); err != nil {
		t.Fatal(err)
	}
	if h.leak {
		t.Error("the storage host was shown the token")
	}
}

func TestHubRefusals(t *testing.T) {
	for _, tc := range []struct {
		name, model, says string
		change            func(*hub)
	}{
		{"no repository", "hf:o/other/m.gguf", "no repository o/other", nil},
		{"no file", "hf:o/r/absent.gguf", `no file "absent.gguf"`, nil},
		{"no revision", "hf:o/r/m.gguf@v9", `no revision "v9"`, nil},
		{"gated", "hf:o/r/m.gguf", "HF_TOKEN", func(h *hub) { h.token = "x" }},
		{"another file than announced", "hf:o/r/m.gguf", "not the pinned file", func(h *hub) { h.lie = true }},
		{"no GGUF", "hf:o/r/text.gguf", "no GGUF file", nil},
		{"no hub", "hf:o/r/m.gguf", "is HF_ENDPOINT a model hub", func(h *hub) {
			h.Config.Handler = http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
		}},
		{"nobody there", "hf:o/r/m.gguf", "is there a network", func(h *hub) { h.Close() }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			h := newHub(t, map[string][]byte{"m.gguf": gguf(100), "text.gguf": []byte("<html>")})
			if tc.change != nil {
				tc.change(h)
			}
			cache := t.TempDir()
			_, err := ensureHub(t, h, cache, tc.model, assets.Options{})
			if err == nil || !strings.Contains(err.Error(), tc.says) {
				t.Fatalf("error %v, want one that says %q", err, tc.says)
			}
			if _, err := ensureHub(t, h, cache, tc.model, assets.Options{Offline: true}); err == nil {
				t.Fatal("the refused model is in the cache")
			}
		})
	}
}

func TestParseHub(t *testing.T) {
	got, err := assets.ParseHub("hf:Owner/Re.po-1/dir/m.Q4.gguf@refs/pr/1")
	want := assets.Hub{Owner: "Owner", Repo: "Re.po-1", File: "dir/m.Q4.gguf", Revision: "refs/pr/1"}
	if err != nil || got != want {
		t.Errorf("%+v, %v", got, err)
	}
	for _, bad := range []string{"", "hf:", "hf:o/r", "hf:o/r/", "hf:o/r/m.bin", "hf:../r/m.gguf", "hf:o/../m.gguf", "hf:o/r/../m.gguf",
		"hf:o/r//m.gguf", "hf:o/r/a/../../m.gguf", "hf:o/r/m.gguf@", "hf:o/r/m.gguf@../x", `hf:o/r/a\b.gguf`, "o/r/m.gguf"} {
		if h, err := assets.ParseHub(bad); err == nil {
			t.Errorf("%q is taken: %+v", bad, h)
		}
	}
}

// Whatever the user types, a hub model stays inside its place in the cache and reads back as typed.
func FuzzParseHub(f *testing.F) {
	for _, s := range []string{"hf:o/r/m.gguf", "hf:o/r/a/b-00001-of-00003.gguf@main", "hf:o/r/../m.gguf", "hf:o/r/m.gguf@a/b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		h, err := assets.ParseHub(s)
		if err != nil {
			return
		}
		if !filepath.IsLocal(filepath.Join(h.Owner, h.Repo, h.File)) || !strings.HasPrefix(filepath.Join("c", h.Owner, h.Repo, h.File), filepath.Join("c", h.Owner, h.Repo)+"/") {
			t.Fatalf("%q leaves the cache: %+v", s, h)
		}
		if again, err := assets.ParseHub(h.String()); err != nil || again != h {
			t.Fatalf("%q reads back as %+v, %v", s, again, err)
		}
	})
}
