package runfile

import (
	"fmt"
	"regexp"
	"strings"
)

var (
	variable = regexp.MustCompile(`\$\$?\{([A-Za-z_][A-Za-z0-9_]*)(:-[^}]*)?\}`)
	secret   = regexp.MustCompile(`(?i)(password|passwd|secret|token|api_?key|credential)s?$`)
)

// expand puts the values of ${NAME} and ${NAME:-value} into texts; $${NAME} is ${NAME} itself. Suites have a meaning of their own for $.
func (p *page) expand(key string, value any) (any, error) {
	var bad error
	switch v := value.(type) {
	case string:
		if secret.MatchString(key) && variable.MatchString(v) {
			return nil, fmt.Errorf("%s: %s: secrets do not travel with a run: say %s_env and the variable's name, which the ingestor reads", p.line(v), key, key)
		}
		return variable.ReplaceAllStringFunc(v, func(m string) string {
			out, err := p.lookup(m)
			if err != nil && bad == nil {
				bad = fmt.Errorf("%s: %s: %w", p.line(m), key, err)
			}
			return out
		}), bad
	case map[string]any:
		for k, x := range v {
			if k == "suite" {
				if _, named := x.(string); !named {
					continue
				}
			}
			if v[k], bad = p.expand(k, x); bad != nil {
				return nil, bad
			}
		}
	case []any:
		for i, x := range v {
			if v[i], bad = p.expand(key, x); bad != nil {
				return nil, bad
			}
		}
	}
	return value, bad
}

func (p *page) lookup(m string) (string, error) {
	if strings.HasPrefix(m, "$$") {
		return m[1:], nil
	}
	parts := variable.FindStringSubmatch(m)
	if v, ok := p.o.Getenv(parts[1]); ok {
		return v, nil
	}
	if parts[2] != "" {
		return parts[2][2:], nil
	}
	return "", fmt.Errorf("the environment has no %s; set it, or write ${%s:-value}", parts[1], parts[1])
}
