package bus

import (
	"fmt"
	"strings"

	"google.golang.org/protobuf/proto"
)

// Subject ties the spelling of a core NATS subject to the message that travels on it. Placeholders stand in braces:
// "infer.{pool}.{partition}".
type Subject[M proto.Message] struct {
	Pattern string
	Lane    Lane
}

// Name fills the placeholders in order. It panics where their number is wrong: that is a mistake in the code.
func (s Subject[M]) Name(tokens ...string) string {
	parts := strings.Split(s.Pattern, ".")
	n := 0
	for i, p := range parts {
		if strings.HasPrefix(p, "{") {
			if n < len(tokens) {
				parts[i] = tokens[n]
			}
			n++
		}
	}
	if n != len(tokens) {
		panic(fmt.Sprintf("bus: subject %s takes %d tokens, got %d", s.Pattern, n, len(tokens)))
	}
	return strings.Join(parts, ".")
}

// All is the subject with a wildcard for every placeholder.
func (s Subject[M]) All() string {
	parts := strings.Split(s.Pattern, ".")
	for i, p := range parts {
		if strings.HasPrefix(p, "{") {
			parts[i] = "*"
		}
	}
	return strings.Join(parts, ".")
}

// Token makes s safe as one token of a subject: everything outside A–Z, a–z, 0–9, _ and - becomes -.
func Token(s string) string {
	out := []byte(s)
	for i, c := range out {
		ok := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-'
		if !ok {
			out[i] = '-'
		}
	}
	if len(out) == 0 {
		return "-"
	}
	return string(out)
}
