package run

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// llamaServer is llama.cpp's own server, the yardstick of the llama engine; empty where there is none.
func llamaServer() string {
	if path := os.Getenv("LEAT_LLAMA_SERVER"); path != "" {
		return path
	}
	cache := os.Getenv("LEAT_CACHE")
	if cache == "" {
		user, err := os.UserCacheDir()
		if err != nil {
			return ""
		}
		cache = filepath.Join(user, "leat")
	}
	path := filepath.Join(cache, "yardstick", "bin", "llama-server")
	if _, err := os.Stat(path); err != nil {
		return ""
	}
	return path
}

// llamaRun compares the llama engine with llama-server by the program that is made for it, and keeps its Markdown.
func (b *bench) llamaRun(ctx context.Context) error {
	server := llamaServer()
	if server == "" {
		b.say("no llama-server: the llama engine is not measured; e2e/yardstick/build.sh builds one, LEAT_LLAMA_SERVER names another")
		return nil
	}
	b.say("comparing the llama engine with %s", server)
	file := filepath.Join(b.Work, "llama.md")
	cmd := exec.CommandContext(ctx, "go", "run", "./e2e/yardstick/cmd/compare", "-leat", b.leat, "-server", server, "-rounds", strconv.Itoa(b.Rounds), "-o", file)
	cmd.Dir, cmd.Stderr = b.Root, b.Log
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("compare with llama-server: %w", err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("read the comparison: %w", err)
	}
	b.llama = strings.TrimSpace(string(text)) + "\n"
	return nil
}
