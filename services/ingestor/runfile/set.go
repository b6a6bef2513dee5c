package runfile

import (
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
)

// set puts values in place of the file's.
func (p *page) set(tree map[string]any) error {
	for _, text := range p.o.Set {
		key, value, ok := strings.Cut(text, "=")
		if !ok || key == "" {
			return fmt.Errorf("--set %s: it is KEY=VALUE, such as --set source.path=raw", text)
		}
		var v any
		if err := yaml.Unmarshal([]byte(value), &v); err != nil {
			return fmt.Errorf("--set %s: the value is not YAML: %w", text, err)
		}
		into, parts := tree, strings.Split(key, ".")
		if !slices.Contains(runKeys, parts[0]) {
			return fmt.Errorf("--set %s: a run has no key %q%s", text, parts[0], hint(parts[0], runKeys))
		}
		for i, part := range parts[:len(parts)-1] {
			if into[part] == nil {
				into[part] = map[string]any{}
			}
			next, ok := into[part].(map[string]any)
			if !ok {
				return fmt.Errorf("--set %s: %s is no mapping", text, strings.Join(parts[:i+1], "."))
			}
			into = next
		}
		into[parts[len(parts)-1]] = v
	}
	return nil
}
