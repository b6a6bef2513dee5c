package launch

import (
	"fmt"
	"strings"
)

// Split takes a command line apart as a POSIX shell does: blanks, quotes and backslashes. No shell runs the command, so what
// only a shell could do (variables, pipes, redirections) is refused instead of being passed on as text.
func Split(line string) ([]string, error) {
	s := splitter{line: []rune(line)}
	for s.i < len(s.line) {
		if err := s.step(); err != nil {
			return nil, err
		}
	}
	s.end()
	if len(s.words) == 0 {
		return nil, fmt.Errorf("the command is empty")
	}
	return s.words, nil
}

type splitter struct {
	line  []rune
	i     int
	word  strings.Builder
	open  bool // a word has begun; it may be empty
	words []string
}

func (s *splitter) end() {
	if s.open {
		s.words = append(s.words, s.word.String())
	}
	s.word.Reset()
	s.open = false
}

func (s *splitter) step() error {
	c := s.line[s.i]
	s.i++
	switch {
	case c == ' ' || c == '\t' || c == '\n' || c == '\r':
		s.end()
	case c == '\'':
		return s.quoted(c)
	case c == '"':
		return s.quoted(c)
	case c == '\\':
		return s.escaped()
	case strings.ContainsRune("|&;<>$`", c):
		return fmt.Errorf("%q at character %d needs a shell, and none runs the command: quote it, or give sh -c '…'", string(c), s.i)
	default:
		s.add(c)
	}
	return nil
}

func (s *splitter) add(c rune) {
	s.open = true
	s.word.WriteRune(c)
}

func (s *splitter) escaped() error {
	if s.i == len(s.line) {
		return fmt.Errorf("the command ends with a backslash")
	}
	if s.line[s.i] != '\n' { // a line that goes on
		s.add(s.line[s.i])
	}
	s.i++
	return nil
}

func (s *splitter) quoted(quote rune) error {
	s.open = true
	for s.i < len(s.line) {
		c := s.line[s.i]
		s.i++
		switch {
		case c == quote:
			return nil
		case quote == '"' && c == '\\' && s.i < len(s.line) && strings.ContainsRune("\"\\$`", s.line[s.i]):
			s.word.WriteRune(s.line[s.i])
			s.i++
		case quote == '"' && (c == '$' || c == '`'):
			return fmt.Errorf("%q at character %d needs a shell, and none runs the command: use single quotes", string(c), s.i)
		default:
			s.word.WriteRune(c)
		}
	}
	return fmt.Errorf("a %c is not closed", quote)
}
