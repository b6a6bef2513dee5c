package events_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strings"
	"testing"

	"google.golang.org/protobuf/reflect/protoreflect"

	inferv1 "github.com/leathq/leat/proto/gen/leat/infer/v1"
	jobsv1 "github.com/leathq/leat/proto/gen/leat/jobs/v1"
)

// inner are the messages of bus.proto that travel inside others.
var inner = strings.Fields(`Submit Claim Ref Withdraw Probe Status Queued Outcome Holding Ping Expect Cancel Grant
	Limit Resend Drain Cordon Uncordon Describe Description Model TokenizeText Answer Owner Gpu MigDevice CountChat LoadAdapter UnloadAdapter ListAdapters
	Adapters Adapter`)

// Every message of bus.proto is either inside another, or an answer, or has exactly one subject; no two subjects could
// match the same message.
func TestEveryBusMessageHasItsSubject(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "events.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	carried, roots := map[string]int{}, map[string]string{}
	ast.Inspect(file, func(n ast.Node) bool {
		lit, ok := n.(*ast.CompositeLit)
		if !ok {
			return true
		}
		index, ok := lit.Type.(*ast.IndexExpr)
		if !ok {
			return true
		}
		message := index.Index.(*ast.StarExpr).X.(*ast.SelectorExpr)
		carried[message.X.(*ast.Ident).Name+"."+message.Sel.Name]++
		pattern := strings.Trim(lit.Elts[0].(*ast.KeyValueExpr).Value.(*ast.BasicLit).Value, `"`)
		root, _, _ := strings.Cut(pattern, ".")
		if root == "evt" { // facts are told apart by what follows
			root = pattern
		}
		if other, taken := roots[root]; taken {
			t.Errorf("subjects %s and %s share their first token", pattern, other)
		}
		roots[root] = pattern
		return true
	})
	nested := map[string]bool{}
	for _, n := range inner {
		nested[n] = true
	}
	check := func(pkg string, messages protoreflect.MessageDescriptors) {
		for i := range messages.Len() {
			name := string(messages.Get(i).Name())
			if in, has := nested[name] && pkg == "inferv1", carried[pkg+"."+name] > 0; in == has {
				t.Errorf("%s.%s: inside another message: %v; has a subject: %v", pkg, name, in, has)
			}
		}
	}
	check("inferv1", inferv1.File_leat_infer_v1_bus_proto.Messages())
	check("jobsv1", jobsv1.File_leat_jobs_v1_jobs_proto.Messages())
}
