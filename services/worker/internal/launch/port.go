package launch

import (
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// ports are those that servers listen on where their command line names none.
var ports = []struct {
	word string // a word of the command line, a path's last element included
	port int
}{
	{"vllm", 8000}, {"vllm.entrypoints.openai.api_server", 8000}, {"sglang.launch_server", 30000}, {"sglang", 30000},
	{"text-generation-launcher", 3000}, {"trtllm-serve", 8000}, {"llama-server", 8080},
}

// Port is the port that a server will listen on by its command line. A {port} in it becomes a free one.
func Port(argv []string) (port int, out []string, err error) {
	out = slices.Clone(argv)
	if slices.ContainsFunc(out, func(a string) bool { return strings.Contains(a, "{port}") }) {
		if port, err = freePort(); err != nil {
			return 0, nil, err
		}
		for i := range out {
			out[i] = strings.ReplaceAll(out[i], "{port}", strconv.Itoa(port))
		}
		return port, out, nil
	}
	for i, a := range out {
		value, given := strings.CutPrefix(a, "--port=")
		if !given && (a == "--port" || a == "-p" && named(out, "text-generation-launcher")) && i+1 < len(out) {
			value, given = out[i+1], true
		}
		if !given {
			continue
		}
		if port, err = strconv.Atoi(value); err != nil || port < 1 || port > 65535 {
			return 0, nil, fmt.Errorf("--port %q is no port: give a number, or {port} for a free one", value)
		}
		return port, out, nil
	}
	for _, p := range ports {
		if named(out, p.word) {
			return p.port, out, nil
		}
	}
	return 0, nil, fmt.Errorf("the port that %s will listen on is not known: write --port {port} where its port belongs, or give --upstream", filepath.Base(argv[0]))
}

func named(argv []string, word string) bool {
	return slices.ContainsFunc(argv[:min(3, len(argv))], func(a string) bool { return filepath.Base(a) == word })
}

func freePort() (int, error) {
	l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("find a free port: %w", err)
	}
	_, text, err := net.SplitHostPort(l.Addr().String())
	if err := errors.Join(err, l.Close()); err != nil {
		return 0, fmt.Errorf("find a free port: %w", err)
	}
	return strconv.Atoi(text)
}
