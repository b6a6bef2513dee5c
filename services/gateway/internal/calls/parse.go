package calls

import (
	"strings"

	"github.com/leathq/leat/services/gateway/internal/openai"
)

// mostHeld bounds what is held back while it may become a call.
const mostHeld = 4096

// Parser takes calls out of a text that comes in pieces. It holds back only what may become a call: a beginning of the mark,
// then all up to the first brace of the arguments, which are passed on as they come. What turns out to be no call is text.
type Parser struct {
	format *Format
	names  map[string]bool
	id     func(call int) string

	state  state
	held   string // what came and is not decided
	blank  string // white space behind a call, while nothing else followed: it is dropped where the next call does
	bare   bool   // nothing but white space came behind the last call
	want   string // the literal that must come, in the states that match one
	at     int    // in want
	name   string
	begun  int // calls that were told of
	whole  int // of those, that are complete
	depth  int // of the arguments' brackets
	quoted bool
	escape bool

	text strings.Builder
	out  []openai.ToolCall
}

type state byte

const (
	inText      state = iota // held is a beginning of the mark
	inHead                   // from the mark to the name
	inName                   //
	inMid                    // from the name to the arguments
	inArguments              // held is white space until they begin
	inPost                   // behind them
	inNext                   // behind a call: another one, or the end of all
)

// NewParser makes a parser. names are the tools that may be called; id makes the id of a call from its number.
func NewParser(f *Format, names []string, id func(call int) string) *Parser {
	p := &Parser{format: f, names: map[string]bool{}, id: id}
	for _, n := range names {
		p.names[n] = true
	}
	return p
}

// Complete is how many calls have come whole.
func (p *Parser) Complete() int { return p.whole }

// Feed takes the next piece and returns what of it, and of what was held back, is text, and what is calls or parts of them.
func (p *Parser) Feed(piece string) (text string, calls []openai.ToolCall) {
	p.feed(piece)
	return p.take()
}

// End returns what was held back: a call that was cut, or text.
func (p *Parser) End() (text string, calls []openai.ToolCall) {
	switch {
	case p.state == inMid || p.state == inArguments && p.depth == 0:
		p.begin()
	case p.state == inText || p.state == inHead || p.state == inName:
		p.say(p.held)
	}
	p.held, p.blank, p.bare, p.state = "", "", false, inText
	return p.take()
}

func (p *Parser) take() (string, []openai.ToolCall) {
	text, calls := p.text.String(), p.out
	p.text.Reset()
	p.out = nil
	return text, calls
}

func (p *Parser) feed(s string) {
	for s != "" {
		switch p.state {
		case inText:
			s = p.free(s)
		case inHead, inMid, inPost:
			s = p.literal(s)
		case inName:
			s = p.named(s)
		case inArguments:
			s = p.arguments(s)
		case inNext:
			s = p.next(s)
		}
	}
}

// free passes text on up to a mark.
func (p *Parser) free(s string) (rest string) {
	mark := p.format.Mark
	s = p.held + s
	p.held = ""
	if i := strings.Index(s, mark); i >= 0 {
		p.say(s[:i])
		p.held = mark
		p.expect(inHead, p.format.Begin+p.format.Pre)
		p.at = len(mark)
		p.done()
		return s[i+len(mark):]
	}
	keep := 0
	for k := min(len(mark)-1, len(s)); k > 0 && keep == 0; k-- {
		if strings.HasSuffix(s, mark[:k]) {
			keep = k
		}
	}
	p.say(s[:len(s)-keep])
	p.held = s[len(s)-keep:]
	return ""
}

// say passes text on. White space alone behind a call waits for what follows it.
func (p *Parser) say(s string) {
	if p.bare {
		rest := strings.TrimLeft(s, " \n\t\r")
		p.blank += s[:len(s)-len(rest)]
		if s = rest; s == "" {
			return
		}
		p.text.WriteString(p.blank)
		p.blank, p.bare = "", false
	}
	p.text.WriteString(s)
}

func (p *Parser) expect(st state, want string) {
	p.state, p.want, p.at = st, strings.TrimRight(want, " \n"), 0
}

// literal matches the text that must come. White space may differ where it means nothing.
func (p *Parser) literal(s string) (rest string) {
	for i := 0; i < len(s); i++ {
		if p.done() {
			return s[i:]
		}
		for isSpace(p.want[p.at]) && !isSpace(s[i]) {
			p.at++
		}
		switch c := s[i]; {
		case c == p.want[p.at]:
			p.at++
		case isSpace(c) && (isSpace(p.want[p.at]) || p.at > 0 && strings.IndexByte(" \n{}[]:,>", p.want[p.at-1]) >= 0):
		default:
			return p.not(s[i:])
		}
		if !p.hold(s[i]) {
			return p.not(s[i+1:])
		}
	}
	p.done()
	return ""
}

func (p *Parser) hold(c byte) bool {
	if p.state != inPost {
		p.held += string(c)
	}
	return len(p.held) <= mostHeld
}

// done moves on where the literal has come, and tells whether it did.
func (p *Parser) done() bool {
	if p.at < len(p.want) {
		return false
	}
	switch p.state {
	case inHead:
		p.state, p.name = inName, ""
	case inMid:
		p.state, p.depth = inArguments, 0
	case inPost:
		p.state, p.held = inNext, ""
	}
	return true
}

// not goes back to text: what was held is none of a call, but a mark may stand within.
func (p *Parser) not(rest string) string {
	held, was := p.held, p.state
	p.state, p.held = inText, ""
	if was == inPost || held == "" {
		return rest
	}
	n := min(len(p.format.Mark), len(held))
	p.say(held[:n])
	return held[n:] + rest
}

// named reads the name of a tool up to what follows it.
func (p *Parser) named(s string) (rest string) {
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c == p.format.Mid[0] {
			if !p.names[p.name] {
				return p.not(s[i:])
			}
			p.expect(inMid, p.format.Mid)
			return s[i:]
		}
		if len(p.name) == 64 || c != '_' && c != '-' && (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'z') {
			return p.not(s[i:])
		}
		p.name += string(c)
		p.hold(c)
	}
	return ""
}

// begin tells of a call.
func (p *Parser) begin() {
	p.out = append(p.out, openai.ToolCall{Index: p.begun, ID: p.id(p.begun), Name: p.name})
	p.begun++
	p.held, p.blank, p.bare = "", "", false
}

// arguments passes on a JSON object as it comes.
func (p *Parser) arguments(s string) (rest string) {
	start := 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		if p.depth == 0 {
			switch {
			case c == '{':
				p.begin()
				p.depth, p.quoted, p.escape = 1, false, false
				start = i
			case isSpace(c) && p.hold(c):
			default:
				return p.not(s[i:])
			}
			continue
		}
		switch {
		case p.escape:
			p.escape = false
		case p.quoted && c == '\\':
			p.escape = true
		case c == '"':
			p.quoted = !p.quoted
		case p.quoted:
		case c == '{' || c == '[':
			p.depth++
		case c == '}' || c == ']':
			p.depth--
		}
		if p.depth == 0 {
			p.argue(s[start : i+1])
			p.whole++
			p.bare = true
			p.expect(inPost, p.format.Post)
			p.done()
			return s[i+1:]
		}
	}
	if p.depth > 0 {
		p.argue(s[start:])
	}
	return ""
}

func (p *Parser) argue(s string) {
	p.out = append(p.out, openai.ToolCall{Index: p.begun - 1, Arguments: s})
}

// next looks for what may follow a call.
func (p *Parser) next(s string) (rest string) {
	sep, end := strings.TrimSpace(p.format.Sep), p.format.End
	i := 0
	for i < len(s) && isSpace(s[i]) && sep+end != "" {
		i++
	}
	switch {
	case i == len(s):
		return ""
	case sep != "" && s[i] == sep[0]:
		p.held = s[i : i+1]
		p.expect(inHead, sep+p.format.Pre)
		p.at = 1
		return s[i+1:]
	case end != "" && s[i] == end[0]:
		i++
	}
	p.state = inText
	return s[i:]
}

func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\t' || c == '\r' }
