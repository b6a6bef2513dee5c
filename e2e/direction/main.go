// Command direction holds the import direction of the repository (docs/architecture.md): proto ← pkg ← services/<x> ←
// services/all ← services/cmd ← e2e, no service imports another, domains are free of transport, and heavy libraries
// have one place each. It prints every import that breaks a rule and exits with 1.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
)

const root = "github.com/leathq/leat/"

type pkg struct {
	ImportPath string
	Imports    []string
}

func main() {
	broken, err := check(context.Background())
	if err != nil {
		fmt.Fprintln(os.Stderr, "direction:", err)
		os.Exit(1)
	}
	for _, b := range broken {
		fmt.Println(b)
	}
	if len(broken) > 0 {
		os.Exit(1)
	}
}

func check(ctx context.Context) (broken []string, err error) {
	for _, module := range []string{"./proto/...", "./pkg/...", "./services/...", "./e2e/..."} {
		pkgs, err := list(ctx, module)
		if err != nil {
			return nil, err
		}
		for _, p := range pkgs {
			for _, imp := range p.Imports {
				if why := Refuse(p.ImportPath, imp); why != "" {
					broken = append(broken, fmt.Sprintf("%s imports %s: %s", p.ImportPath, imp, why))
				}
			}
		}
	}
	return broken, nil
}

func list(ctx context.Context, pattern string) ([]pkg, error) {
	cmd := exec.CommandContext(ctx, "go", "list", "-json=ImportPath,Imports", pattern)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	var pkgs []pkg
	for dec := json.NewDecoder(out); ; {
		var p pkg
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, err
		}
		pkgs = append(pkgs, p)
	}
	return pkgs, cmd.Wait()
}

// Refuse says why a package may not import another; empty where it may.
func Refuse(from, imp string) string {
	if why := heavy(from, imp); why != "" {
		return why
	}
	if strings.Contains(from, "/internal/") && transport(imp) && strings.HasPrefix(from, root+"services/") && !strings.HasPrefix(from, root+"services/cmd/") {
		return "a service's internal packages are pure: no grpc, no nats, no pb"
	}
	if !strings.HasPrefix(imp, root) {
		return ""
	}
	a, b := layer(from), layer(imp)
	if b > a {
		return "against the direction proto ← pkg ← services/<x> ← services/all ← services/cmd ← e2e"
	}
	if a == service && b == service && name(from) != name(imp) {
		return "a service never imports another; they meet in proto and pkg/events"
	}
	return ""
}

// heavy libraries have one place each.
func heavy(from, imp string) string {
	for _, rule := range []struct {
		lib, why string
		places   []string
	}{
		{"github.com/nats-io/nats-server/", "nats-server only in pkg/bus/embed and pkg/bus/bustest", []string{"pkg/bus/embed", "pkg/bus/bustest"}},
		{"github.com/NVIDIA/go-nvml/", "go-nvml only in services/worker/internal/gpu", []string{"services/worker/internal/gpu"}},
		{"github.com/hybridgroup/yzma/", "llama.cpp only in services/worker/internal/llama, and in the direct computation that checks it", []string{"services/worker/internal/llama", "e2e/clients/direct"}},
		{"gocloud.dev/", "blob stores only in pkg/blob", []string{"pkg/blob"}},
		{"github.com/apache/arrow-go/", "Arrow only in pkg/arrowio", []string{"pkg/arrowio"}},
	} {
		if !strings.HasPrefix(imp, rule.lib) {
			continue
		}
		for _, p := range rule.places {
			if strings.HasPrefix(from, root+p) {
				return ""
			}
		}
		return rule.why
	}
	return ""
}

func transport(imp string) bool {
	return strings.HasPrefix(imp, "google.golang.org/grpc") || strings.HasPrefix(imp, "github.com/nats-io/") ||
		strings.HasPrefix(imp, root+"proto/") || imp == root+"pkg/bus"
}

// The layers, lowest first.
const (
	protocol = iota
	library
	service
	assembly
	command
	tests
)

func layer(path string) int {
	rest := strings.TrimPrefix(path, root)
	switch {
	case strings.HasPrefix(rest, "proto"):
		return protocol
	case strings.HasPrefix(rest, "pkg"):
		return library
	case strings.HasPrefix(rest, "services/all"):
		return assembly
	case strings.HasPrefix(rest, "services/cmd"):
		return command
	case strings.HasPrefix(rest, "services/"):
		return service
	}
	return tests
}

func name(path string) string {
	n, _, _ := strings.Cut(strings.TrimPrefix(path, root+"services/"), "/")
	return n
}
