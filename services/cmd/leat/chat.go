package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"strings"

	"github.com/leathq/leat/services/cmd/leat/internal/variables"
)

type turn struct {
	Role    string `json:"role"`
	Content string `json:"content"`
}

// chat talks to a model in the terminal. A line is a turn; /new forgets the conversation; Ctrl-C ends an
// answer, and where there is none the program, as does Ctrl-D.
func chat(ctx context.Context, args []string, _ variables.Environ) error {
	fs := flag.NewFlagSet("leat chat", flag.ContinueOnError)
	url := fs.String("url", "http://127.0.0.1:8080", "`URL` of the gateway")
	model := fs.String("model", "", "`NAME` of the model; empty: the first that the gateway lists")
	system := fs.String("system", "", "system prompt `TEXT`")
	limit := fs.Int("max-tokens", 0, "at most `N` tokens in an answer; 0: up to the end of the context")
	if err := flags(fs, args, "Talks to a model. A line is a turn, /new forgets the conversation, Ctrl-C ends an answer, Ctrl-D ends."); err != nil {
		return err
	}
	if *model == "" {
		var list struct {
			Data []struct{ ID string }
		}
		if err := getJSON(ctx, *url+"/v1/models", &list); err != nil {
			return err
		}
		if len(list.Data) == 0 {
			return errors.New("no model can be called yet; look at `leat status`")
		}
		*model = list.Data[0].ID
	}
	interrupts := make(chan os.Signal, 2)
	signal.Reset(os.Interrupt) // the host would end the program at the first, and with an error at the second
	signal.Notify(interrupts, os.Interrupt)
	c := &conversation{url: *url, model: *model, limit: *limit, interrupts: interrupts, dims: dims(os.Stdout, os.Getenv)}
	if *system != "" {
		c.start = []turn{{"system", *system}}
	}
	return c.run(ctx, os.Stdin, os.Stdout)
}

// longestLine is the longest turn: what the gateway takes at most, by default.
const longestLine = 32 << 20

type conversation struct {
	url, model string
	limit      int
	start      []turn
	turns      []turn
	interrupts <-chan os.Signal // Ctrl-C
	dims       bool             // the terminal can print dimmed
}

// run reads lines until the input or ctx ends.
func (c *conversation) run(ctx context.Context, in io.Reader, out io.Writer) error {
	fmt.Fprintf(out, "%s at %s (/new forgets, Ctrl-C ends an answer, Ctrl-D ends)\n", c.model, c.url)
	lines, failed := make(chan string), error(nil) // failed is set before lines is closed
	go func() {
		defer close(lines)
		sc := bufio.NewScanner(in)
		sc.Buffer(nil, longestLine)
		for sc.Scan() {
			lines <- sc.Text()
		}
		if failed = sc.Err(); errors.Is(failed, bufio.ErrTooLong) {
			failed = fmt.Errorf("a line has more than %d bytes; send it with curl", longestLine)
		}
	}()
	for {
		fmt.Fprint(out, "> ")
		var line string
		var ok bool
		select {
		case <-ctx.Done():
			fmt.Fprintln(out)
			return nil
		case <-c.interrupts:
			fmt.Fprintln(out)
			return nil
		case line, ok = <-lines:
		}
		switch line = strings.TrimSpace(line); {
		case !ok:
			fmt.Fprintln(out)
			return failed
		case line == "":
			continue
		case line == "/new":
			c.turns = nil
			continue
		}
		if err := c.answer(ctx, line, out); err != nil && ctx.Err() == nil {
			fmt.Fprintln(out, "error:", err)
		}
	}
}

// answer is say until Ctrl-C.
func (c *conversation) answer(ctx context.Context, text string, out io.Writer) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	said := make(chan error, 1)
	go func() { said <- c.say(ctx, text, out) }()
	select {
	case err := <-said:
		return err
	case <-c.interrupts:
		stop()
		if err := <-said; err != nil { // it had not ended by then
			fmt.Fprintln(out, "(stopped; this turn is forgotten)")
		}
		return nil
	}
}

// say sends a turn and prints the answer as it comes. A turn that failed is forgotten.
func (c *conversation) say(ctx context.Context, text string, out io.Writer) error {
	turns := append(append(append([]turn{}, c.start...), c.turns...), turn{"user", text})
	body := map[string]any{"model": c.model, "stream": true, "messages": turns}
	if c.limit > 0 {
		body["max_tokens"] = c.limit
	}
	data, err := json.Marshal(body)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url+"/v1/chat/completions", bytes.NewReader(data))
	if err != nil {
		return fmt.Errorf("%s is no URL: %w", c.url, err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return unreachable(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return refused(resp)
	}
	answer, err := printStream(resp.Body, &printer{out: out, dims: c.dims})
	fmt.Fprintln(out)
	if err == nil {
		c.turns = append(c.turns, turn{"user", text}, turn{"assistant", answer})
	}
	return err
}
