package events_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/leathq/leat/pkg/events"
)

// spelt are the subjects of this package's source by the names of their variables.
func spelt(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{}
	files, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if !strings.HasSuffix(f.Name(), ".go") || strings.HasSuffix(f.Name(), "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), f.Name(), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			if v, ok := n.(*ast.ValueSpec); ok {
				for i, x := range v.Values {
					if p := pattern(x); p != "" {
						out[v.Names[i].Name] = p
					}
				}
			}
			return true
		})
	}
	return out
}

// pattern is what a composite literal spells as its Pattern or Subject.
func pattern(x ast.Expr) string {
	lit, ok := x.(*ast.CompositeLit)
	if !ok {
		return ""
	}
	for _, e := range lit.Elts {
		kv, ok := e.(*ast.KeyValueExpr)
		if !ok {
			continue
		}
		key, _ := kv.Key.(*ast.Ident)
		text, isText := kv.Value.(*ast.BasicLit)
		if key != nil && (key.Name == "Pattern" || key.Name == "Subject") && isText {
			return strings.Trim(text.Value, `"`)
		}
	}
	return ""
}

// NATS lets a service do what the roles say: a subject without roles would work on a laptop, and be refused in production.
func TestEverySubjectHasItsRoles(t *testing.T) {
	names := spelt(t)
	if len(names) < 12 {
		t.Fatalf("only %d subjects found in the source: %v", len(names), names)
	}
	told := map[string]int{}
	for _, f := range events.Flows() {
		told[f.Pattern]++
		if len(f.To) == 0 || len(f.From) == 0 && f.Pattern != events.Undelivered.Pattern {
			t.Errorf("%s: who says it and who hears it? Name both in Flows of pkg/events/roles.go", f.Pattern)
		}
		for _, r := range slices.Concat(f.From, f.To) {
			if !slices.Contains(events.Roles(), r) || r == events.Whole {
				t.Errorf("%s: %q is no role for a flow", f.Pattern, r)
			}
		}
	}
	for name, p := range names {
		if told[p] != 1 {
			t.Errorf("events.%s (%s) is named %d times in Flows of pkg/events/roles.go; say there, once, who says it and who hears it, "+
				"then write the NATS users anew: go run ./e2e/natsusers/cmd/natsusers", name, p, told[p])
		}
		delete(told, p)
	}
	for p := range told {
		t.Errorf("Flows has %s, which is no subject of this package", p)
	}
}

func TestWholeIsAnyServiceAndNoConsole(t *testing.T) {
	for _, f := range events.Flows() {
		for _, r := range []events.Role{events.Gateway, events.Router, events.Worker} {
			if f.Sends(r) && !f.Sends(events.Whole) || f.Hears(r) && !f.Hears(events.Whole) {
				t.Errorf("%s: the process of all services lacks what the %s may", f.Pattern, r)
			}
		}
		if f.Sends(events.Console) || f.Sends(events.Client) && f.Pattern != events.Jobs.Pattern && f.Pattern != events.JobCancels.Pattern {
			t.Errorf("%s: a console or a client says something", f.Pattern)
		}
	}
	looks := events.Flow{To: []events.Role{events.Console}}
	if looks.Hears(events.Whole) {
		t.Error("the process of all services has a console's rights")
	}
}
