package conf

import (
	"regexp"
	"sort"
	"strings"
)

// ConfigEnv names the YAML file where --config does not.
const ConfigEnv = EnvPrefix + "CONFIG"

// Vars lists the environment variables that a configuration (a pointer to its struct) is read from: those of a process
// that shares its environment with others, for ElsewhereEnv.
func Vars(into any) ([]string, error) {
	l := &loader{Spec: Spec{Sections: []Section{{Into: into}}}, Loaded: &Loaded{origins: map[string]Origin{}}}
	if err := l.declare(); err != nil {
		return nil, err
	}
	var out []string
	leaves(l.fields, func(f *field) { out = append(out, f.envs...) })
	return out, nil
}

// serviceLink matches the variables that Kubernetes and Docker put into a container for a neighbour whose name starts
// with "leat": they are nobody's typing mistake.
var serviceLink = regexp.MustCompile(`_SERVICE_HOST$|_SERVICE_PORT(_[A-Z0-9_]+)?$|_PORT_\d+_(TCP|UDP)(_(PROTO|PORT|ADDR))?$`)

// lookup finds a variable; a set but empty one counts as set.
func (l *loader) lookup(name string) (string, bool) {
	for _, pair := range l.Environ {
		if key, value, _ := strings.Cut(pair, "="); key == name {
			return value, true
		}
	}
	return "", false
}

// readEnv applies the variables of all settings, then refuses the LEAT_ variables that belong to none.
func (l *loader) readEnv() {
	known := map[string]bool{ConfigEnv: true}
	leaves(l.fields, func(f *field) {
		for i := len(f.envs) - 1; i >= 0; i-- { // the first has the highest rank, so it is applied last
			known[f.envs[i]] = true
			if word, ok := l.lookup(f.envs[i]); ok {
				if err := l.set(f, word, Origin{Layer: Env, Name: f.envs[i]}); err != nil {
					l.refuse("environment variable %s: %v", f.envs[i], err)
				}
			}
		}
	})
	names := make([]string, 0, len(known))
	for name := range known {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, pair := range l.Environ {
		name, value, _ := strings.Cut(pair, "=")
		if !strings.HasPrefix(name, EnvPrefix) || known[name] || l.foreign(name, value) {
			continue
		}
		l.refuse("unknown environment variable %s%s", name, hintEnv(name, names))
	}
}

// sourceEnv begins the variables that hold secrets of data sources: users name them as they like, in runs.
const sourceEnv = EnvPrefix + "SOURCE_"

// foreign says whether a LEAT_ variable is someone else's by its form or by what the caller knows.
func (l *loader) foreign(name, value string) bool {
	link := serviceLink.MatchString(name) ||
		strings.HasSuffix(name, "_PORT") && (strings.HasPrefix(value, "tcp://") || strings.HasPrefix(value, "udp://"))
	return link || strings.HasPrefix(name, EnvPrefix+"TEST_") || strings.HasPrefix(name, sourceEnv) || l.ElsewhereEnv != nil && l.ElsewhereEnv(name)
}
