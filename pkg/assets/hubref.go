package assets

import (
	"fmt"
	"path"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// Hub names a GGUF file in a model hub's repository.
type Hub struct {
	Owner, Repo string
	File        string // path in the repository, with slashes; the first part of a split model
	Revision    string // branch, tag or commit; "main" where none was given
}

const hubPrefix = "hf:"

func isHub(model string) bool { return strings.HasPrefix(model, hubPrefix) }

// hubName is what the hub allows in owner and repository names.
var hubName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*$`)

// ParseHub reads "hf:owner/repo/file.gguf[@revision]"; the file may be in folders.
func ParseHub(s string) (Hub, error) {
	bad := func(why string) (Hub, error) {
		return Hub{}, fmt.Errorf("model %q: %s; write hf:owner/repo/file.gguf or hf:owner/repo/file.gguf@revision", s, why)
	}
	rest, ok := strings.CutPrefix(s, hubPrefix)
	if !ok {
		return bad("it does not start with hf:")
	}
	rest, rev, given := strings.Cut(rest, "@")
	if !given {
		rev = "main"
	}
	parts := strings.SplitN(rest, "/", 3)
	if len(parts) < 3 {
		return bad("owner, repository or file is missing")
	}
	h := Hub{Owner: parts[0], Repo: parts[1], File: parts[2], Revision: rev}
	switch {
	case !hubName.MatchString(h.Owner) || !hubName.MatchString(h.Repo):
		return bad("owner or repository has characters that a hub does not allow")
	case path.Clean(h.File) != h.File || !filepath.IsLocal(filepath.FromSlash(h.File)) || strings.ContainsAny(h.File, "\\\x00"):
		return bad("the file is no plain path inside the repository")
	case !strings.HasSuffix(strings.ToLower(h.File), ".gguf"):
		return bad("the file is no .gguf")
	case rev == "" || strings.ContainsAny(rev, "\\\x00") || strings.Contains(rev, "..") || len(rev) > 200:
		return bad("the revision is no branch, tag or commit")
	}
	return h, nil
}

func (h Hub) String() string {
	return hubPrefix + h.Owner + "/" + h.Repo + "/" + h.File + "@" + h.Revision
}

// split matches the first file of a model in several parts, as llama.cpp's gguf-split names them.
var split = regexp.MustCompile(`^(.*)-00001-of-(\d{5})(\.gguf)$`)

// maxParts bounds what a file name can make us ask for.
const maxParts = 1000

// parts lists the files that make up the model.
func (h Hub) parts() []string {
	m := split.FindStringSubmatch(h.File)
	if m == nil {
		return []string{h.File}
	}
	n, err := strconv.Atoi(m[2])
	if err != nil || n < 1 || n > maxParts {
		return []string{h.File}
	}
	files := make([]string, n)
	for i := range files {
		files[i] = fmt.Sprintf("%s-%05d-of-%s%s", m[1], i+1, m[2], m[3])
	}
	return files
}

func (h Hub) modelName() string {
	if m := split.FindStringSubmatch(h.File); m != nil {
		return path.Base(m[1])
	}
	return modelName(h.File)
}
