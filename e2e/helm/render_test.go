package helm_test

import (
	"bytes"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
	"helm.sh/helm/v3/pkg/lint"
	"helm.sh/helm/v3/pkg/lint/support"
	"helm.sh/helm/v3/pkg/releaseutil"
	"helm.sh/helm/v3/pkg/strvals"
)

const chart = "../../deploy/helm/leat"

// kubernetes is the version that the chart is rendered for.
var kubernetes = chartutil.KubeVersion{Version: "v1.34.0", Major: "1", Minor: "34"}

// given are a user's values: those of a file that comes with the chart ("" for none), and what --set would change.
func given(t *testing.T, file, set string) map[string]any {
	t.Helper()
	values := map[string]any{}
	if file != "" {
		v, err := chartutil.ReadValuesFile(filepath.Join(chart, "values", file+".yaml"))
		if err != nil {
			t.Fatal(err)
		}
		values = v
	}
	if err := strvals.ParseInto(set, values); err != nil {
		t.Fatal(err)
	}
	return values
}

// template renders the chart for the release "leat" in the namespace "llm", by the same steps and in the same order as
// `helm template`. Helm's packages do it, not its program: that one brings in a registry client, plugins and kubectl,
// and takes minutes to build.
func template(t *testing.T, file, set string) (string, error) {
	t.Helper()
	ch, err := loader.Load(chart)
	if err != nil {
		return "", err
	}
	values := given(t, file, set)
	if err := chartutil.ProcessDependenciesWithMerge(ch, values); err != nil {
		return "", err
	}
	caps := chartutil.DefaultCapabilities.Copy()
	caps.KubeVersion = kubernetes
	if !chartutil.IsCompatibleRange(ch.Metadata.KubeVersion, kubernetes.String()) {
		return "", fmt.Errorf("the chart is not for Kubernetes %s", kubernetes.String())
	}
	all, err := chartutil.ToRenderValues(ch, values, chartutil.ReleaseOptions{Name: "leat", Namespace: "llm", Revision: 1, IsInstall: true}, caps)
	if err != nil {
		return "", err
	}
	files, err := engine.Engine{}.Render(ch, all)
	if err != nil {
		return "", err
	}
	for name := range files {
		if strings.HasSuffix(name, "NOTES.txt") {
			delete(files, name)
		}
	}
	hooks, manifests, err := releaseutil.SortManifests(files, nil, releaseutil.InstallOrder)
	if err != nil {
		return "", err
	}
	var out bytes.Buffer
	for _, m := range manifests {
		fmt.Fprintf(&out, "---\n# Source: %s\n%s\n", m.Name, m.Content)
	}
	text := strings.TrimSpace(out.String()) + "\n"
	for _, h := range hooks {
		text += fmt.Sprintf("---\n# Source: %s\n%s\n", h.Path, h.Manifest)
	}
	return text, nil
}

// rendered renders the chart with one of its value files.
func rendered(t *testing.T, name string) string {
	t.Helper()
	out, err := template(t, name, "")
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// lintStrictly is `helm lint --strict`: warnings are problems.
func lintStrictly(t *testing.T, file, set string) (problems []string) {
	t.Helper()
	linter := lint.AllWithKubeVersion(chart, given(t, file, set), "llm", &kubernetes)
	for _, m := range linter.Messages {
		if m.Severity >= support.WarningSev {
			problems = append(problems, m.Error())
		}
	}
	return problems
}
