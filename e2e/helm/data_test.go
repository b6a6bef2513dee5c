package helm_test

import (
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"helm.sh/helm/v3/pkg/chart/loader"
	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	policy "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/yaml"
)

// on switches data runs on.
const on = "data.enabled=true,data.store=file:///first,"

// carrier is an ingestor or a validator of a render.
type carrier struct {
	deployment *apps.Deployment
	budget     *policy.PodDisruptionBudget
	network    *networking.NetworkPolicy
	config     map[string]map[string]any // what its processes read, by section
}

func (c *carrier) pod() core.PodSpec         { return c.deployment.Spec.Template.Spec }
func (c *carrier) container() core.Container { return c.pod().Containers[0] }

// carrierOf is the workload of a name in a render, nil where there is none.
func carrierOf(t *testing.T, all map[string][]runtime.Object, name string) *carrier {
	t.Helper()
	c := &carrier{config: map[string]map[string]any{}}
	for _, list := range all {
		for _, o := range list {
			switch o := o.(type) {
			case *apps.Deployment:
				if o.Name == name {
					c.deployment = o
				}
			case *policy.PodDisruptionBudget:
				if o.Name == name {
					c.budget = o
				}
			case *networking.NetworkPolicy:
				if o.Name == name {
					c.network = o
				}
			}
		}
	}
	if c.deployment == nil {
		return nil
	}
	if err := yaml.Unmarshal([]byte(configOf(all, name)), &c.config); err != nil {
		t.Fatal(err)
	}
	return c
}

// effect is a value of the chart, what it is set to, and where that is seen.
type effect struct {
	set  string
	seen func(c *carrier) any
	want any
}

// shared are effects of values on ingestors and validators alike, by their names.
var shared = map[string]effect{
	"data.store":   {"data.store=s3://bucket", func(c *carrier) any { return c.config["blob"]["url"] }, "s3://bucket"},
	"data.config":  {"data.config.partitions=3", func(c *carrier) any { return c.config["data"]["partitions"] }, 3.0},
	"data.scratch": {"data.scratch=7Gi", func(c *carrier) any { return volume(c, "tmp").EmptyDir.SizeLimit.String() }, "7Gi"},
	"data.volumes": {"data.volumes[0].name=raw,data.volumes[0].persistentVolumeClaim.claimName=raw", func(c *carrier) any { return volume(c, "raw").PersistentVolumeClaim.ClaimName }, "raw"},
	"data.volumeMounts": {"data.volumeMounts[0].name=tmp,data.volumeMounts[0].mountPath=/raw", func(c *carrier) any {
		return slices.Contains(c.container().VolumeMounts, core.VolumeMount{Name: "tmp", MountPath: "/raw"})
	}, true},
	"networkPolicy.dataEgress": {"networkPolicy.dataEgress[0].ports[0].port=9092", func(c *carrier) any {
		last := c.network.Spec.Egress[len(c.network.Spec.Egress)-1]
		return last.Ports[0].Port.String()
	}, "9092"},
}

// own are effects of the values of ingestors, or of validators, by their names below data.ingestor and data.validator.
var own = map[string]effect{
	"replicas": {"replicas=5", func(c *carrier) any { return *c.deployment.Spec.Replicas }, int32(5)},
	"env": {"env[0].name=LEAT_SOURCE_KEY,env[0].value=k", func(c *carrier) any {
		return slices.Contains(c.container().Env, core.EnvVar{Name: "LEAT_SOURCE_KEY", Value: "k"})
	}, true},
	"resources.requests.cpu":             {"resources.requests.cpu=3", func(c *carrier) any { r := c.container().Resources.Requests; return r.Cpu().String() }, "3"},
	"resources.requests.memory":          {"resources.requests.memory=3Gi", func(c *carrier) any { r := c.container().Resources.Requests; return r.Memory().String() }, "3Gi"},
	"resources.limits.memory":            {"resources.limits.memory=3Gi", func(c *carrier) any { r := c.container().Resources.Limits; return r.Memory().String() }, "3Gi"},
	"podDisruptionBudget.enabled":        {"podDisruptionBudget.enabled=false", func(c *carrier) any { return c.budget == nil }, true},
	"podDisruptionBudget.maxUnavailable": {"podDisruptionBudget.maxUnavailable=2", func(c *carrier) any { return c.budget.Spec.MaxUnavailable.String() }, "2"},
	"podAnnotations":                     {"podAnnotations.a=b", func(c *carrier) any { return c.deployment.Spec.Template.Annotations["a"] }, "b"},
	"podLabels":                          {"podLabels.a=b", func(c *carrier) any { return c.deployment.Spec.Template.Labels["a"] }, "b"},
	"nodeSelector":                       {"nodeSelector.a=b", func(c *carrier) any { return c.pod().NodeSelector["a"] }, "b"},
	"tolerations":                        {"tolerations[0].key=a", func(c *carrier) any { return c.pod().Tolerations[0].Key }, "a"},
	"affinity": {"affinity.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution[0].weight=7", func(c *carrier) any {
		return c.pod().Affinity.NodeAffinity.PreferredDuringSchedulingIgnoredDuringExecution[0].Weight
	}, int32(7)},
	"topologySpreadConstraints": {"topologySpreadConstraints[0].topologyKey=zone", func(c *carrier) any { return c.pod().TopologySpreadConstraints[0].TopologyKey }, "zone"},
	"priorityClassName":         {"priorityClassName=low", func(c *carrier) any { return c.pod().PriorityClassName }, "low"},
}

// configured are the effects of `config`, which differs between the two.
var configured = map[string]map[string]effect{
	"ingestor":  {"config.paths": {"config.paths[0]=/raw", func(c *carrier) any { return c.config["ingestor"]["paths"] }, []any{"/raw"}}},
	"validator": {"config": {"config.memory=64MiB", func(c *carrier) any { return c.config["validator"]["memory"] }, "64MiB"}},
}

func volume(c *carrier, name string) core.Volume {
	for _, v := range c.pod().Volumes {
		if v.Name == name {
			return v
		}
	}
	return core.Volume{}
}

// Every value of data runs has an effect, on those whose value it is and on nobody else; none is left that nothing reads.
func TestEveryValueOfDataRunsHasAnEffect(t *testing.T) {
	tried := []string{"data.enabled"}
	try := func(name string, e effect, on ...string) {
		tried = append(tried, name)
		before, after := carriers(t, ""), carriers(t, e.set)
		for kind := range after {
			if !slices.Contains(on, kind) {
				if !reflect.DeepEqual(after[kind], before[kind]) {
					t.Errorf("%s changes the %s", e.set, kind)
				}
				continue
			}
			if got := e.seen(after[kind]); !reflect.DeepEqual(got, e.want) {
				t.Errorf("%s: at the %s is %#v, want %#v", e.set, kind, got, e.want)
			}
		}
	}
	for name, e := range shared {
		try(name, e, "ingestor", "validator")
	}
	for _, kind := range []string{"ingestor", "validator"} {
		effects := maps.Clone(own)
		maps.Copy(effects, configured[kind])
		for name, e := range effects {
			below := "data." + kind + "."
			e.set = below + strings.ReplaceAll(e.set, ",", ","+below)
			try(below+name, e, kind)
		}
	}
	for _, name := range leafs(t) {
		if !slices.Contains(tried, name) {
			t.Errorf("%s: nothing shows that it has an effect", name)
		}
	}
}

// carriers are the ingestors and the validators of a render with data runs.
func carriers(t *testing.T, set string) map[string]*carrier {
	t.Helper()
	render, err := template(t, "", on+set)
	if err != nil {
		t.Fatalf("%s: %v", set, err)
	}
	all, out := objects(t, render), map[string]*carrier{}
	for _, kind := range []string{"ingestor", "validator"} {
		if out[kind] = carrierOf(t, all, "leat-"+kind); out[kind] == nil {
			t.Fatalf("%s: there is no %s", set, kind)
		}
	}
	return out
}

// leafs are the names of the values of data runs that values.yaml has.
func leafs(t *testing.T) (out []string) {
	t.Helper()
	ch, err := loader.Load(chart)
	if err != nil {
		t.Fatal(err)
	}
	var walk func(name string, v any)
	walk = func(name string, v any) {
		if m, ok := v.(map[string]any); ok && len(m) > 0 {
			for k, below := range m {
				walk(name+"."+k, below)
			}
			return
		}
		out = append(out, name)
	}
	walk("data", ch.Values["data"])
	return out
}

// Without data.enabled there are neither ingestors nor validators, nor anything of theirs; with it there must be a store.
func TestDataRunsAreOff(t *testing.T) {
	render, err := template(t, "", "")
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{"ingestor", "validator"} {
		if strings.Contains(render, kind) {
			t.Errorf("the defaults render something of the %s", kind)
		}
	}
	if _, err := template(t, "", "data.enabled=true"); err == nil || !strings.Contains(err.Error(), "data.store: where do data runs keep what they make?") {
		t.Errorf("without a store: %v", err)
	}
}
