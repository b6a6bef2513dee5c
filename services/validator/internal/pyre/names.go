package pyre

import (
	"fmt"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/text/unicode/runenames"
)

// byName reads "{EM DASH}" after \N. Names of ideographs and of Hangul syllables, which follow from their codes, and aliases of
// control characters are known to Python too; here the first are, the others are refused: \u says the same.
func (p *parser) byName() rune {
	if !p.accept('{') {
		p.fail("missing {")
	}
	name := strings.ToUpper(p.until('}'))
	r, ok := runeByName()[name]
	if code, is := strings.CutPrefix(name, "CJK UNIFIED IDEOGRAPH-"); is && !ok {
		v, err := strconv.ParseUint(code, 16, 21)
		r, ok = rune(v), err == nil && strings.HasPrefix(runenames.Name(rune(v)), "<CJK Ideograph")
	}
	if !ok {
		p.fail(fmt.Sprintf("undefined character name %q (write it as \\uXXXX)", name))
	}
	return r
}

// runeByName is built when a pattern first needs it.
var runeByName = sync.OnceValue(func() map[string]rune {
	names := map[string]rune{}
	for r := rune(0); r <= maxRune; r++ {
		if n := runenames.Name(r); n != "" && n[0] != '<' {
			names[n] = r
		}
	}
	return names
})
