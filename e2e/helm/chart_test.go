package helm_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files anew")

// sets are the value files that come with the chart.
var sets = []string{"laptop", "small", "production"}

func TestLint(t *testing.T) {
	for _, name := range sets {
		for _, problem := range lintStrictly(t, name, "") {
			t.Errorf("%s: %s", name, problem)
		}
	}
	if len(lintStrictly(t, "laptop", "gatway.replicas=2")) == 0 {
		t.Error("the linter says nothing of a value that there is not")
	}
}

func TestGolden(t *testing.T) {
	for _, name := range sets {
		file := filepath.Join("testdata", name+".golden.yaml")
		got := rendered(t, name)
		if *update {
			if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
				t.Fatal(err)
			}
			continue
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if got != string(want) {
			t.Errorf("%s: the render differs at %s; look at it, then go test ./e2e/helm -update", file, firstDifference(string(want), got))
		}
	}
}

func firstDifference(want, got string) string {
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range min(len(w), len(g)) {
		if w[i] != g[i] {
			return "want " + w[i] + ", got " + g[i]
		}
	}
	return "its end"
}

func TestWrongValuesAreRefused(t *testing.T) {
	const pool = "workers[0].name=p,workers[0].model=m,workers[0].engine="
	vllm := pool + "openai,workers[0].server.kind=vllm,workers[0].server.image=i,"
	for name, c := range map[string]struct{ values, why string }{
		"unknown key":               {"gatway.replicas=2", "gatway"},
		"unknown key of a pool":     {pool + "sim,workers[0].replica=2", "replica"},
		"unknown engine":            {pool + "vllm", "engine"},
		"a pool's name":             {pool + "sim,workers[0].name=Big_One", "does not match pattern"},
		"text for a number":         {"router.replicas=two", "replicas"},
		"no upstream and no server": {pool + "openai", "upstream"},
		"an upstream and a server":  {vllm + "workers[0].upstream=http://x", "oneOf"},
		"a server for llama":        {pool + "llama,workers[0].server.kind=vllm,workers[0].server.image=i", "workers/0"},
		"leases":                    {"nats.leaseReplicas=2", "leaseReplicas"},
		"users and credentials":     {"nats.users=u,nats.creds=c", "two identities"},
		"two pools of one name":     {pool + "sim,workers[1].name=p,workers[1].engine=sim", "two pools are called p"},
		"parallel without a server": {pool + "llama,workers[0].tensorParallel=2,workers[0].gpu.count=2", "needs a server"},
		"parallel beyond the GPUs":  {vllm + "workers[0].tensorParallel=4,workers[0].gpu.count=2", "gpu.count is 2"},
		"bounds the wrong way":      {pool + "sim,workers[0].autoscaling.minReplicas=9", "above maxReplicas"},
		"none without KEDA":         {pool + "sim,workers[0].autoscaling.minReplicas=0", "needs keda.enabled"},
		"none of all others":        {pool + "sim,workers[0].name=default,workers[0].autoscaling.minReplicas=0,workers[0].autoscaling.keda.enabled=true", "a name of its own"},
		"none of the gateway":       {"gateway.autoscaling.minReplicas=0", "minReplicas"},
		"a trigger of the gateway":  {"gateway.autoscaling.keda.trigger=external", "trigger"},
		"bounds in two places":      {pool + "sim,workers[0].autoscaling.keda.enabled=true,pools.p.scaling.min=2", "leave scaling.min"},
		"a claim of a StatefulSet":  {pool + "sim,workers[0].kind=StatefulSet,workers[0].cache.existingClaim=c", "existingClaim"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := template(t, "", c.values); err == nil || !strings.Contains(err.Error(), c.why) {
				t.Errorf("no %q in %v", c.why, err)
			}
		})
	}
}
