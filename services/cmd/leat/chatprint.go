package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// dims tells whether a file is a terminal on which reasoning is told from the answer by how bright it is. NO_COLOR and
// TERM=dumb say that it is not.
func dims(f *os.File, getenv func(string) string) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0 && getenv("NO_COLOR") == "" && getenv("TERM") != "dumb"
}

// printer prints an answer with the reasoning before it, if any: dimmed, or, where that cannot be, in square brackets.
type printer struct {
	out      io.Writer
	dims     bool
	thinking bool
}

func (p *printer) think(text string) {
	if text == "" {
		return
	}
	if !p.thinking {
		p.thinking = true
		fmt.Fprint(p.out, p.mark("\x1b[2m", "["))
	}
	fmt.Fprint(p.out, text)
}

func (p *printer) say(text string) {
	if text == "" {
		return
	}
	if p.thinking {
		p.rest()
		fmt.Fprintln(p.out)
	}
	fmt.Fprint(p.out, text)
}

// rest ends the reasoning; what follows is as bright as ever, also after a failure.
func (p *printer) rest() {
	if p.thinking {
		p.thinking = false
		fmt.Fprint(p.out, p.mark("\x1b[0m", "]"))
	}
}

func (p *printer) mark(dimmed, plain string) string {
	if p.dims {
		return dimmed
	}
	return plain
}

// printStream prints a stream and returns the answer's text whole, without the reasoning.
func printStream(in io.Reader, out *printer) (string, error) {
	defer out.rest()
	var whole strings.Builder
	sc := bufio.NewScanner(in)
	sc.Buffer(nil, 1<<20)
	for sc.Scan() {
		data, ok := strings.CutPrefix(sc.Text(), "data: ")
		if !ok {
			continue
		}
		if data == "[DONE]" {
			return whole.String(), nil
		}
		var chunk struct {
			Choices []struct {
				Delta struct {
					Content   string
					Reasoning string `json:"reasoning_content"`
				}
			}
			Error *struct{ Message string }
		}
		if err := json.Unmarshal([]byte(data), &chunk); err != nil {
			return "", fmt.Errorf("read the stream: %w", err)
		}
		if chunk.Error != nil {
			return "", errors.New(chunk.Error.Message)
		}
		for _, ch := range chunk.Choices {
			out.think(ch.Delta.Reasoning)
			out.say(ch.Delta.Content)
			whole.WriteString(ch.Delta.Content)
		}
	}
	return "", errors.Join(errors.New("the stream was cut before its end"), sc.Err())
}
