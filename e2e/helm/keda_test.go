package helm_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"sigs.k8s.io/yaml"
)

// schema is as much of a CRD's OpenAPI schema as says which fields there are and of which type.
type schema struct {
	Type       string            `json:"type"`
	Properties map[string]schema `json:"properties"`
	Items      *schema           `json:"items"`
	Required   []string          `json:"required"`
	Additional *schema           `json:"additionalProperties"`
	Preserve   bool              `json:"x-kubernetes-preserve-unknown-fields"`
}

// kedaSchema reads the schema of a ScaledObject from KEDA's own module: its Go types bring in all of client-go.
var kedaSchema = sync.OnceValues(func() (schema, error) {
	cmd := exec.Command("go", "mod", "download", "-json", "github.com/kedacore/keda/v2@v2.21.0")
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=")
	cmd.Dir = os.TempDir()
	out, err := cmd.Output()
	if err != nil {
		return schema{}, fmt.Errorf("fetch KEDA's module: %w", err)
	}
	var module struct{ Dir string }
	if err := json.Unmarshal(out, &module); err != nil {
		return schema{}, err
	}
	file, err := os.ReadFile(filepath.Join(module.Dir, "config", "crd", "bases", "keda.sh_scaledobjects.yaml"))
	if err != nil {
		return schema{}, err
	}
	var crd struct {
		Spec struct {
			Versions []struct {
				Schema struct{ OpenAPIV3Schema schema }
			}
		}
	}
	if err := yaml.Unmarshal(file, &crd); err != nil {
		return schema{}, err
	}
	return crd.Spec.Versions[0].Schema.OpenAPIV3Schema, nil
})

func checkScaledObject(t *testing.T, doc string) {
	t.Helper()
	s, err := kedaSchema()
	if err != nil {
		t.Fatal(err)
	}
	var o map[string]any
	if err := yaml.UnmarshalStrict([]byte(doc), &o); err != nil {
		t.Fatal(err)
	}
	delete(o, "metadata") // any object's
	for _, problem := range s.check("", o) {
		t.Errorf("ScaledObject: %s in\n%s", problem, doc)
	}
}

// check lists the fields that the schema lacks or has otherwise, and those that it requires.
func (s schema) check(path string, v any) (problems []string) {
	switch v := v.(type) {
	case map[string]any:
		for _, name := range s.Required {
			if _, has := v[name]; !has {
				problems = append(problems, path+"."+name+" is missing")
			}
		}
		for name, value := range v {
			field, known := s.Properties[name]
			switch {
			case known:
				problems = append(problems, field.check(path+"."+name, value)...)
			case s.Additional != nil:
				problems = append(problems, s.Additional.check(path+"."+name, value)...)
			case !s.Preserve:
				problems = append(problems, path+"."+name+" is no field")
			}
		}
	case []any:
		if s.Items == nil {
			return []string{path + " is no list"}
		}
		for i, item := range v {
			problems = append(problems, s.Items.check(fmt.Sprintf("%s[%d]", path, i), item)...)
		}
	case string:
		if s.Type != "string" && s.Type != "" {
			problems = append(problems, path+" is not of type "+s.Type)
		}
	case float64:
		if s.Type != "integer" && s.Type != "number" {
			problems = append(problems, path+" is not of type "+s.Type)
		}
	}
	return problems
}

func TestTheKEDASchemaRefuses(t *testing.T) {
	s, err := kedaSchema()
	if err != nil {
		t.Fatal(err)
	}
	trigger := map[string]any{"type": "external", "metadata": map[string]any{"scalerAddress": "x:1"}}
	good := map[string]any{"spec": map[string]any{"scaleTargetRef": map[string]any{"name": "x"}, "triggers": []any{trigger}}}
	if p := s.check("", good); len(p) > 0 {
		t.Errorf("refused: %v", p)
	}
	for _, bad := range []map[string]any{
		{"scaleTargetRef": map[string]any{"name": "x"}},
		{"scaleTargetRef": map[string]any{"name": "x"}, "triggers": []any{trigger}, "minReplicas": 1.0},
		{"scaleTargetRef": map[string]any{"name": "x"}, "triggers": []any{trigger}, "minReplicaCount": "1"},
	} {
		if p := s.check("", map[string]any{"spec": bad}); len(p) != 1 {
			t.Errorf("%v: %v", bad, p)
		}
	}
}
