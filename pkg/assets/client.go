package assets

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// ToolError says that a package client is missing or refused, and the ways round.
type ToolError struct {
	Tool   string // "npm" or "pip"
	For    string // the package it was needed for
	Detail string // what the client said, shortened; empty where it is missing
	Err    error
	Round  string
}

func (e *ToolError) Error() string {
	if e.Detail == "" && errors.Is(e.Err, exec.ErrNotFound) {
		return fmt.Sprintf("%s is not installed (or not on PATH); it is needed to fetch the package %s. Install %s, %s",
			e.Tool, e.For, e.Tool, e.Round)
	}
	return fmt.Sprintf("%s could not fetch the package %s: %v: %s. Put that right, %s", e.Tool, e.For, e.Err, e.Detail, e.Round)
}

func (e *ToolError) Unwrap() error { return e.Err }

func roundFor(client string) string {
	if client == "npm" {
		return roundEngine
	}
	return roundModel
}

// located is what a client knows of a package's file without fetching it.
type located struct {
	url    string
	digest digest
}

// client is a registry's ordinary client.
type client interface {
	// download puts the package's archive into the empty directory dir.
	download(ctx context.Context, s source, dir string) error
	// locate asks where the archive is.
	locate(ctx context.Context, s source) (located, error)
}

func clientFor(ctx context.Context, s source) (client, error) {
	if s.client == "npm" {
		path, err := exec.LookPath("npm")
		if err != nil {
			return nil, missingTool(s)
		}
		return npm{path}, nil
	}
	for _, argv := range [][]string{{"python3", "-m", "pip"}, {"pip3"}, {"pip"}, {"python", "-m", "pip"}} {
		path, err := exec.LookPath(argv[0])
		if err != nil {
			continue
		}
		argv[0] = path
		if exec.CommandContext(ctx, path, append(argv[1:], "--version")...).Run() == nil {
			return pip{argv}, nil
		}
	}
	if ctx.Err() != nil { // the look-ups were cut, not answered
		return nil, fmt.Errorf("fetching %s was stopped: %w", s, context.Cause(ctx))
	}
	return nil, missingTool(s)
}

func missingTool(s source) error {
	return &ToolError{Tool: s.client, For: s.String(), Err: exec.ErrNotFound, Round: roundFor(s.client)}
}

type npm struct{ path string }

// run says soon where there is no network: by default npm tries for minutes before it gives up.
func (c npm) run(ctx context.Context, s source, dir string, args ...string) ([]byte, error) {
	args = append(args, "--loglevel=error", "--fetch-retries=1", "--fetch-retry-mintimeout=1000", "--fetch-retry-maxtimeout=2000", "--fetch-timeout=30000")
	return runTool(ctx, s, dir, c.path, args...)
}

func (c npm) download(ctx context.Context, s source, dir string) error {
	_, err := c.run(ctx, s, dir, "pack", s.name+"@"+s.version, "--ignore-scripts")
	return err
}

func (c npm) locate(ctx context.Context, s source) (located, error) {
	out, err := c.run(ctx, s, os.TempDir(), "view", s.name+"@"+s.version, "dist", "--json")
	if err != nil {
		return located{}, err
	}
	var dist struct{ Tarball, Integrity string }
	if err := json.Unmarshal(out, &dist); err != nil || dist.Tarball == "" {
		return located{}, fmt.Errorf("npm view %s names no tarball", s)
	}
	d, err := parseIntegrity(dist.Integrity)
	return located{url: dist.Tarball, digest: d}, err
}

type pip struct{ argv []string }

func (c pip) run(ctx context.Context, s source, dir string, args ...string) ([]byte, error) {
	args = append(append(append([]string{}, c.argv[1:]...), args...), "--no-input", "--disable-pip-version-check", "--retries=1", "--timeout=10")
	return runTool(ctx, s, dir, c.argv[0], args...)
}

func (c pip) download(ctx context.Context, s source, dir string) error {
	_, err := c.run(ctx, s, dir, "download", s.name+"=="+s.version, "--no-deps", "--only-binary=:all:",
		"--ignore-requires-python", "--progress-bar=off", "--dest", dir)
	return err
}

// locate uses pip's installation report (pip 22.2 and newer). Where the package index publishes
// no separate metadata, pip downloads the file to make that report.
func (c pip) locate(ctx context.Context, s source) (located, error) {
	out, err := c.run(ctx, s, os.TempDir(), "install", s.name+"=="+s.version, "--dry-run", "--ignore-installed",
		"--no-deps", "--only-binary=:all:", "--ignore-requires-python", "--quiet", "--report=-")
	if err != nil {
		return located{}, err
	}
	return parsePipReport(out)
}

func parsePipReport(out []byte) (located, error) {
	var report struct {
		Install []struct {
			Download struct {
				URL     string `json:"url"`
				Archive struct {
					Hashes map[string]string `json:"hashes"`
				} `json:"archive_info"`
			} `json:"download_info"`
		} `json:"install"`
	}
	if err := json.Unmarshal(out, &report); err != nil || len(report.Install) != 1 {
		return located{}, errors.New("pip's installation report names no file")
	}
	from := report.Install[0].Download
	d, err := parseHex("sha256", from.Archive.Hashes["sha256"])
	return located{url: from.URL, digest: d}, err
}

// runTool runs a client in dir and returns its standard output. Its temporary files go to dir
// too, so that progress can be seen there and nothing is left behind elsewhere.
func runTool(ctx context.Context, s source, dir, path string, args ...string) ([]byte, error) {
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &stdout, &stderr
	cmd.Env = append(os.Environ(), "TMPDIR="+dir, "TMP="+dir, "TEMP="+dir)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 3 * time.Second
	err := cmd.Run()
	if ctx.Err() != nil {
		return nil, fmt.Errorf("fetching %s was stopped: %w", s, context.Cause(ctx))
	}
	if err != nil {
		return nil, &ToolError{Tool: s.client, For: s.String(), Err: err, Round: roundFor(s.client),
			Detail: lastLines(stderr.String())}
	}
	return stdout.Bytes(), nil
}

// lastLines shortens a client's complaint to what a person can read in one line.
func lastLines(s string) string {
	lines := strings.FieldsFunc(s, func(r rune) bool { return r == '\n' || r == '\r' })
	if len(lines) > 4 {
		lines = lines[len(lines)-4:]
	}
	for i := range lines {
		lines[i] = strings.TrimSpace(lines[i])
	}
	if s = strings.Join(lines, " | "); len(s) > 600 {
		s = s[len(s)-600:]
	}
	if s == "" {
		return "it gave no reason"
	}
	return s
}

// onlyFile returns the single archive with the given ending in dir.
func onlyFile(dir, ending string) (string, error) {
	found, err := filepath.Glob(filepath.Join(dir, "*"+ending))
	if err != nil {
		return "", err
	}
	if len(found) != 1 {
		return "", fmt.Errorf("expected one %s file in %s, found %d", ending, dir, len(found))
	}
	return found[0], nil
}
