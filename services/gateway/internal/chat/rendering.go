package chat

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nikolalohinski/gonja/v2/exec"
	"github.com/nikolalohinski/gonja/v2/nodes"
	"github.com/nikolalohinski/gonja/v2/parser"
	"github.com/nikolalohinski/gonja/v2/tokens"
)

// renderingName is the variable that holds the rendering for the guards; templates cannot spell it.
const renderingName = "\x00rendering"

var errBound = errors.New("a bound was reached") // the sentence is in rendering.bound

// rendering is one run of a template, by one goroutine: its output and what it has used up.
type rendering struct {
	out      strings.Builder
	limit    int // bytes of output, and of a variable
	deadline time.Time
	steps    int
	depth    int

	refusal *string // what raise_exception said
	bound   string  // which bound was reached
}

func (r *rendering) execute(t *exec.Template, data map[string]any) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the template engine gave up: %v", p)
		}
	}()
	return t.Execute(r, exec.NewContext(data))
}

// Write takes the template's output.
func (r *rendering) Write(p []byte) (int, error) {
	if r.out.Len()+len(p) > r.limit {
		return 0, r.stop("its output is larger than %d bytes.", r.limit)
	}
	return r.out.Write(p)
}

// WriteString saves the copy that Write would cost.
func (r *rendering) WriteString(s string) (int, error) {
	if r.out.Len()+len(s) > r.limit {
		return 0, r.stop("its output is larger than %d bytes.", r.limit)
	}
	return r.out.WriteString(s)
}

func (r *rendering) stop(format string, args ...any) error {
	if r.bound == "" {
		r.bound = fmt.Sprintf(format, args...)
	}
	return errBound
}

func (r *rendering) raise(va *exec.VarArgs) *exec.Value {
	if r.refusal == nil {
		message := va.First().String()
		r.refusal = &message
	}
	return exec.AsValue(errors.New("raise_exception"))
}

// guard is a statement that normalise puts into a template where a rendering could run away.
type guard struct {
	at    *tokens.Token
	check func(r *rendering, er *exec.Renderer) error
}

func (g *guard) Position() *tokens.Token { return g.at }
func (g *guard) String() string          { return "guard" }

// Execute implements gonja's exec.ControlStructure.
func (g *guard) Execute(er *exec.Renderer, _ *nodes.ControlStructureBlock) error {
	v, _ := er.Environment.Context.Get(renderingName)
	r, ok := v.(*rendering)
	if !ok {
		return errors.New("a chat template runs outside of Render")
	}
	return g.check(r, er)
}

// The guards' statements, as normalise writes them.
const (
	guardStep  = "__step__"  // the start of a loop's round
	guardEnter = "__enter__" // the start of a macro
	guardLeave = "__leave__" // its end
	guardSize  = "__size__"  // behind a set, with its target
)

func guards() map[string]parser.ControlStructureParser {
	plain := func(check func(*rendering, *exec.Renderer) error) parser.ControlStructureParser {
		return func(p *parser.Parser, _ *parser.Parser) (nodes.ControlStructure, error) {
			return &guard{p.Current(), check}, nil
		}
	}
	return map[string]parser.ControlStructureParser{
		guardStep: plain(func(r *rendering, _ *exec.Renderer) error { return r.step() }),
		guardEnter: plain(func(r *rendering, _ *exec.Renderer) error {
			if r.depth++; r.depth > maxDepth {
				return r.stop("its macros call each other more than %d deep.", maxDepth)
			}
			return r.step()
		}),
		guardLeave: plain(func(r *rendering, _ *exec.Renderer) error { r.depth--; return nil }),
		guardSize: func(p *parser.Parser, args *parser.Parser) (nodes.ControlStructure, error) {
			target, err := args.ParseExpression()
			return &guard{p.Current(), func(r *rendering, er *exec.Renderer) error {
				if v := er.Eval(target); (v.IsString() || v.IsList()) && v.Val.Len() > r.limit {
					return r.stop("a variable is larger than %d.", r.limit)
				}
				return nil
			}}, err
		},
	}
}

func (r *rendering) step() error {
	switch r.steps++; {
	case r.steps > maxSteps:
		return r.stop("its loops run more than %d rounds.", maxSteps)
	case time.Now().After(r.deadline):
		return r.stop("it runs longer than %s.", maxTime)
	}
	return nil
}
