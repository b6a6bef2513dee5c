package child

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/leathq/leat/services/worker/internal/llama/native"
	"github.com/leathq/leat/services/worker/internal/llama/wire"
)

// fingerprint names what bit-exactness holds for: model file, machine code, processor and schedule. Slots, context,
// chunk size and threads do not enter, because the exact schedule's bits do not depend on them.
func fingerprint(model string, lib *native.Library, sch wire.Schedule) string {
	h := sha256.New()
	fmt.Fprintf(h, "%s\n%s\n%s\n%+v\n", model, lib.Digest, native.CPUName(), sch)
	if sch.RowAttention {
		fmt.Fprintln(h, native.RowCache)
	}
	return "leat-" + hex.EncodeToString(h.Sum(nil))[:16]
}

// adapterFingerprint is the fingerprint of a model with an adapter.
func adapterFingerprint(base, adapter string, lone bool) string {
	h := sha256.New()
	fmt.Fprintf(h, "%s\n%s\n%v\n", base, adapter, lone)
	return "leat-" + hex.EncodeToString(h.Sum(nil))[:16]
}

// remembered is a digest of a file that had this size and time.
type remembered struct {
	Path    string
	Size    int64
	ModTime time.Time
	Digest  string
}

// modelDigest returns the sha256 of a file, from cacheDir where the file has not changed since. A cache that cannot be
// read or written costs time, never correctness.
func modelDigest(path, cacheDir string) (string, error) {
	st, err := os.Stat(path)
	if err != nil {
		return "", fmt.Errorf("read model for its digest: %w", err)
	}
	key := remembered{Path: path, Size: st.Size(), ModTime: st.ModTime()}
	sum := sha256.Sum256([]byte(path))
	note := filepath.Join(cacheDir, hex.EncodeToString(sum[:8])+".json")
	if b, err := os.ReadFile(note); cacheDir != "" && err == nil {
		var old remembered
		if json.Unmarshal(b, &old) == nil && old.Path == key.Path && old.Size == key.Size && old.ModTime.Equal(key.ModTime) {
			return old.Digest, nil
		}
	}
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("read model for its digest: %w", err)
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", fmt.Errorf("read model for its digest: %w", err)
	}
	key.Digest = "sha256:" + hex.EncodeToString(h.Sum(nil))
	if cacheDir != "" {
		remember(note, key)
	}
	return key.Digest, nil
}

func remember(note string, r remembered) {
	b, err := json.Marshal(r)
	if err != nil || os.MkdirAll(filepath.Dir(note), 0o755) != nil {
		return
	}
	tmp, err := os.CreateTemp(filepath.Dir(note), ".digest-*")
	if err != nil {
		return
	}
	_, err = tmp.Write(b)
	if cerr := tmp.Close(); err != nil || cerr != nil || os.Rename(tmp.Name(), note) != nil {
		_ = os.Remove(tmp.Name()) // what stays is a few bytes in a cache
	}
}

// memoryFree returns the bytes that this process may still use: the system's available memory, or what is left of the
// control group's limit where that is less; 0 where neither is known.
func memoryFree() uint64 {
	free := meminfo("MemAvailable")
	limit, errL := readNumber("/sys/fs/cgroup/memory.max")
	used, errU := readNumber("/sys/fs/cgroup/memory.current")
	if errL == nil && errU == nil && limit > used {
		free = min(free, limit-used+cgroupCache())
	}
	return free
}

func meminfo(key string) uint64 {
	b, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(b)) {
		var kb uint64
		if k, v, ok := strings.Cut(line, ":"); ok && k == key {
			if _, err := fmt.Sscan(v, &kb); err == nil {
				return kb << 10
			}
		}
	}
	return 0
}

// cgroupCache is the page cache that the control group's use includes and would give back.
func cgroupCache() uint64 {
	b, err := os.ReadFile("/sys/fs/cgroup/memory.stat")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(b)) {
		var n uint64
		if _, err := fmt.Sscanf(line, "inactive_file %d", &n); err == nil {
			return n
		}
	}
	return 0
}

func readNumber(path string) (uint64, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	var n uint64
	_, err = fmt.Sscan(string(b), &n)
	return n, err
}
