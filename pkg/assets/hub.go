package assets

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// hubPiece is one GGUF model of a hub repository, in as many files as it has parts. The
// protocol is the Hugging Face hub's resolve endpoint (huggingface_hub, file_download.py):
// a HEAD names the commit, the size and the checksum, a GET redirects to the bytes.
type hubPiece struct {
	ref   Hub
	base  string // URL of the hub
	token string
	dir   string // the repository's directory in the cache
	hosts string // how the hub is called in messages
}

// newHubPiece keeps models of different hubs apart.
func newHubPiece(ref Hub, opt Options) *hubPiece {
	host := opt.Hub
	if u, err := url.Parse(opt.Hub); err == nil && u.Host != "" {
		host = u.Host
	}
	place := []string{opt.CacheDir, "models", "hub"}
	if opt.Hub != DefaultHub {
		place = append(place, "@"+strings.ReplaceAll(host, ":", "_"))
	}
	dir := filepath.Join(append(place, ref.Owner, ref.Repo)...)
	return &hubPiece{ref: ref, base: opt.Hub, token: opt.HubToken, dir: dir, hosts: host}
}

func (p *hubPiece) title() string { return "model " + p.ref.Repo + "/" + p.ref.File }

// refFile remembers which commit a revision named when it was fetched, so that the cache
// answers without asking the hub. Removing it asks again.
func (p *hubPiece) refFile() string {
	return filepath.Join(p.dir, "refs", url.PathEscape(p.ref.Revision))
}

func (p *hubPiece) cached() (string, string, error) {
	commit, err := os.ReadFile(p.refFile())
	if errors.Is(err, os.ErrNotExist) {
		return "", neverFetched, nil
	}
	if err != nil {
		return "", "", err
	}
	if !commitPattern.Match(commit) {
		return "", "its revision file is damaged", nil
	}
	for _, file := range p.ref.parts() {
		path, why, err := cachedFile(p.place(string(commit), file))
		if err != nil || path == "" {
			return "", why, err
		}
	}
	return p.place(string(commit), p.ref.File), "", nil
}

func (p *hubPiece) place(commit, file string) string {
	return filepath.Join(p.dir, commit, filepath.FromSlash(file))
}

func (p *hubPiece) fetch(ctx context.Context, s *session) error {
	rev := p.ref.Revision
	for _, file := range p.ref.parts() {
		about, err := p.head(ctx, s.http, rev, file)
		if err != nil {
			return p.explain(err, file)
		}
		rev = about.commit // all parts from one commit, whatever is pushed meanwhile
		if err := p.fetchPart(ctx, s, about, file); err != nil {
			return p.explain(err, file)
		}
	}
	if err := os.MkdirAll(filepath.Dir(p.refFile()), 0o755); err != nil {
		return err
	}
	return writeAtomic(p.refFile(), []byte(rev))
}

func (p *hubPiece) fetchPart(ctx context.Context, s *session, about hubFile, file string) error {
	path := p.place(about.commit, file)
	if done, _, err := cachedFile(path); err == nil && done != "" {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	bar := s.bars.start(p.ref.Repo+"/"+file, about.size)
	f := s.fetcher(bar, about.size)
	f.header = p.header()
	err := f.get(ctx, p.url(about.commit, file), path, about.digest)
	bar.end(err)
	if err != nil {
		return err
	}
	if err := checkGGUF(path); err != nil {
		return errors.Join(err, os.Remove(path))
	}
	sum := ""
	if about.digest.algo == "sha256" {
		sum = hex.EncodeToString(about.digest.sum)
	}
	return seal(path, p.ref.String(), sum)
}

func (p *hubPiece) url(rev, file string) string {
	parts := strings.Split(file, "/")
	for i := range parts {
		parts[i] = url.PathEscape(parts[i])
	}
	return p.base + "/" + url.PathEscape(p.ref.Owner) + "/" + url.PathEscape(p.ref.Repo) +
		"/resolve/" + url.PathEscape(rev) + "/" + strings.Join(parts, "/")
}

// header authorises at the hub; net/http drops it on a redirect to another host.
func (p *hubPiece) header() http.Header {
	h := http.Header{"User-Agent": {"leat"}}
	if p.token != "" {
		h.Set("Authorization", "Bearer "+p.token)
	}
	return h
}

// hubFile is what the hub says of a file before it is fetched.
type hubFile struct {
	commit string
	size   int64 // 0 where the hub does not say
	digest digest
}

// head asks for a file's commit, size and checksum. Redirects within the hub are followed (a
// repository that was renamed); the one to the storage host is not, since it drops the answers.
func (p *hubPiece) head(ctx context.Context, client *http.Client, rev, file string) (hubFile, error) {
	var last *http.Response
	probe := *client
	probe.CheckRedirect = func(req *http.Request, via []*http.Request) error {
		if req.Response != nil && req.Response.Header.Get("X-Repo-Commit") != "" {
			return http.ErrUseLastResponse
		}
		if len(via) > 5 {
			return errors.New("too many redirects")
		}
		return nil
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodHead, p.url(rev, file), nil)
	if err != nil {
		return hubFile{}, err
	}
	req.Header = p.header()
	req.Header.Set("Accept-Encoding", "identity")
	if last, err = probe.Do(req); err != nil {
		if ctx.Err() != nil {
			return hubFile{}, context.Cause(ctx)
		}
		return hubFile{}, noNetwork(req.URL.Host, err)
	}
	defer last.Body.Close()
	if last.StatusCode >= 400 {
		return hubFile{}, &StatusError{Host: req.URL.Host, Status: last.StatusCode, Code: last.Header.Get("X-Error-Code")}
	}
	return readHead(last.Header, last.ContentLength, last.StatusCode)
}

var (
	commitPattern = regexp.MustCompile(`^[0-9a-f]{40}$`)
	sha256Pattern = regexp.MustCompile(`^[0-9a-f]{64}$`)
)

// readHead takes the commit, size and checksum from the answer to HEAD. A file in large-file
// storage has its sha256 as its (linked) ETag; a small one has a git blob id, which is not checked.
func readHead(h http.Header, length int64, status int) (hubFile, error) {
	about := hubFile{commit: h.Get("X-Repo-Commit")}
	if !commitPattern.MatchString(about.commit) {
		return hubFile{}, errors.New("the answer names no commit; is HF_ENDPOINT a model hub?")
	}
	if n, err := strconv.ParseInt(h.Get("X-Linked-Size"), 10, 64); err == nil && n > 0 {
		about.size = n
	} else if status == http.StatusOK && length > 0 {
		about.size = length
	}
	etag := strings.Trim(strings.TrimPrefix(first(h.Get("X-Linked-Etag"), h.Get("Etag")), "W/"), `"`)
	if sha256Pattern.MatchString(etag) {
		d, err := parseHex("sha256", etag)
		about.digest = d
		return about, err
	}
	return about, nil
}

// explain says what a refusal means for the one who named the model.
func (p *hubPiece) explain(err error, file string) error {
	var status *StatusError
	if !errors.As(err, &status) {
		return err
	}
	switch {
	case status.Status == http.StatusUnauthorized || status.Status == http.StatusForbidden:
		return fmt.Errorf("the repository %s/%s does not exist, or is gated or private: ask for access and set HF_TOKEN: %w",
			p.ref.Owner, p.ref.Repo, err)
	case status.Code == "RevisionNotFound":
		return fmt.Errorf("%s/%s has no revision %q: %w", p.ref.Owner, p.ref.Repo, p.ref.Revision, err)
	case status.Code == "RepoNotFound":
		return fmt.Errorf("%s has no repository %s/%s: %w", p.hosts, p.ref.Owner, p.ref.Repo, err)
	case status.Status == http.StatusNotFound:
		return fmt.Errorf("%s/%s has no file %q at revision %q: %w", p.ref.Owner, p.ref.Repo, file, p.ref.Revision, err)
	}
	return fmt.Errorf("%s: %w", path.Join(p.ref.Owner, p.ref.Repo, file), err)
}
