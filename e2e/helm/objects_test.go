package helm_test

import (
	"slices"
	"strings"
	"testing"

	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	apps "k8s.io/api/apps/v1"
	autoscaling "k8s.io/api/autoscaling/v2"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	policy "k8s.io/api/policy/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation"
	"sigs.k8s.io/yaml"
)

// types makes an empty object of each kind that the chart may render.
var types = map[string]func() runtime.Object{
	"v1/ConfigMap":                            func() runtime.Object { return new(core.ConfigMap) },
	"v1/Pod":                                  func() runtime.Object { return new(core.Pod) },
	"v1/Secret":                               func() runtime.Object { return new(core.Secret) },
	"v1/Service":                              func() runtime.Object { return new(core.Service) },
	"v1/ServiceAccount":                       func() runtime.Object { return new(core.ServiceAccount) },
	"apps/v1/Deployment":                      func() runtime.Object { return new(apps.Deployment) },
	"apps/v1/StatefulSet":                     func() runtime.Object { return new(apps.StatefulSet) },
	"autoscaling/v2/HorizontalPodAutoscaler":  func() runtime.Object { return new(autoscaling.HorizontalPodAutoscaler) },
	"networking.k8s.io/v1/NetworkPolicy":      func() runtime.Object { return new(networking.NetworkPolicy) },
	"policy/v1/PodDisruptionBudget":           func() runtime.Object { return new(policy.PodDisruptionBudget) },
	"monitoring.coreos.com/v1/ServiceMonitor": func() runtime.Object { return new(monitoring.ServiceMonitor) },
}

// scaledObject is KEDA's kind, which is checked against its own schema.
const scaledObject = "keda.sh/v1alpha1/ScaledObject"

// objects decodes a render, refusing fields that the API does not have, and gives the objects of each kind.
func objects(t *testing.T, render string) map[string][]runtime.Object {
	t.Helper()
	out := map[string][]runtime.Object{}
	for _, doc := range strings.Split(render, "\n---\n") {
		var tm meta.TypeMeta
		if err := yaml.Unmarshal([]byte(doc), &tm); err != nil {
			t.Fatalf("%v in\n%s", err, doc)
		}
		kind := tm.APIVersion + "/" + tm.Kind
		if kind == scaledObject {
			checkScaledObject(t, doc)
			continue
		}
		create, known := types[kind]
		if !known {
			t.Fatalf("no type for %s", kind)
		}
		o := create()
		if err := yaml.UnmarshalStrict([]byte(doc), o); err != nil {
			t.Errorf("%s: %v in\n%s", kind, err, doc)
		}
		out[kind] = append(out[kind], o)
	}
	return out
}

// pods are the pods of a render by the name of what makes them.
func pods(objects map[string][]runtime.Object) map[string]core.PodTemplateSpec {
	out := map[string]core.PodTemplateSpec{}
	for _, list := range objects {
		for _, o := range list {
			switch o := o.(type) {
			case *apps.Deployment:
				out[o.Name] = o.Spec.Template
			case *apps.StatefulSet:
				out[o.Name] = o.Spec.Template
			case *core.Pod:
				out[o.Name] = core.PodTemplateSpec{ObjectMeta: o.ObjectMeta, Spec: o.Spec}
			}
		}
	}
	return out
}

func TestEveryObjectIsKubernetes(t *testing.T) {
	for _, name := range sets {
		t.Run(name, func(t *testing.T) {
			all := objects(t, rendered(t, name))
			seen := map[string]bool{}
			for kind, list := range all {
				for _, o := range list {
					m := o.(meta.Object)
					if bad := validation.IsDNS1123Label(m.GetName()); len(bad) > 0 || seen[kind+m.GetName()] {
						t.Errorf("%s %q: a name that is taken or cannot be: %v", kind, m.GetName(), bad)
					}
					seen[kind+m.GetName()] = true
				}
			}
			for name, pod := range pods(all) {
				checkPod(t, name, pod)
				checkVolumes(t, name, pod, all)
			}
		})
	}
}

// checkPod holds a pod to the restricted Pod Security Standard, and one that serves to its time for the stop.
func checkPod(t *testing.T, name string, pod core.PodTemplateSpec) {
	s := pod.Spec
	p := s.SecurityContext
	if p == nil || p.RunAsNonRoot == nil || !*p.RunAsNonRoot || p.SeccompProfile == nil || p.SeccompProfile.Type != core.SeccompProfileTypeRuntimeDefault {
		t.Errorf("%s: may run as root, or without seccomp", name)
	}
	if s.AutomountServiceAccountToken == nil || *s.AutomountServiceAccountToken {
		t.Errorf("%s: has a token of the API server, and needs none", name)
	}
	for _, c := range slices.Concat(s.InitContainers, s.Containers) {
		x := c.SecurityContext
		if x == nil || x.ReadOnlyRootFilesystem == nil || !*x.ReadOnlyRootFilesystem || x.AllowPrivilegeEscalation == nil || *x.AllowPrivilegeEscalation ||
			x.Capabilities == nil || !slices.Equal(x.Capabilities.Drop, []core.Capability{"ALL"}) {
			t.Errorf("%s: container %s may write its root, gain privileges, or has capabilities", name, c.Name)
		}
	}
	if s.RestartPolicy != core.RestartPolicyNever && (s.TerminationGracePeriodSeconds == nil || *s.TerminationGracePeriodSeconds < 120) {
		t.Errorf("%s: has less than 120 s to stop", name)
	}
}

// checkVolumes wants every mount to have a volume, and what a volume names of the chart to be in the render.
func checkVolumes(t *testing.T, name string, pod core.PodTemplateSpec, all map[string][]runtime.Object) {
	have := map[string]bool{}
	for _, v := range pod.Spec.Volumes {
		have[v.Name] = true
		if v.ConfigMap != nil && !slices.ContainsFunc(all["v1/ConfigMap"], func(o runtime.Object) bool { return o.(*core.ConfigMap).Name == v.ConfigMap.Name }) {
			t.Errorf("%s: no ConfigMap %s", name, v.ConfigMap.Name)
		}
	}
	for _, o := range all["apps/v1/StatefulSet"] {
		if s := o.(*apps.StatefulSet); s.Name == name {
			for _, c := range s.Spec.VolumeClaimTemplates {
				have[c.Name] = true
			}
		}
	}
	for _, c := range slices.Concat(pod.Spec.InitContainers, pod.Spec.Containers) {
		for _, m := range c.VolumeMounts {
			if !have[m.Name] {
				t.Errorf("%s: container %s mounts %s, which is no volume", name, c.Name, m.Name)
			}
		}
	}
}

func TestTheHPAsDefaults(t *testing.T) {
	out, err := template(t, "", "")
	if err != nil {
		t.Fatal(err)
	}
	list := objects(t, out)["autoscaling/v2/HorizontalPodAutoscaler"]
	if len(list) != 2 {
		t.Fatalf("%d HPAs, want one of the gateway and one of the pool", len(list))
	}
	for _, o := range list {
		s := o.(*autoscaling.HorizontalPodAutoscaler).Spec
		up, down := s.Behavior.ScaleUp, s.Behavior.ScaleDown
		if *s.MinReplicas != 1 || s.MaxReplicas != 8 || *up.StabilizationWindowSeconds != 30 || *down.StabilizationWindowSeconds != 300 ||
			up.Policies[0] != (autoscaling.HPAScalingPolicy{Type: autoscaling.PodsScalingPolicy, Value: 2, PeriodSeconds: 60}) ||
			down.Policies[0] != (autoscaling.HPAScalingPolicy{Type: autoscaling.PodsScalingPolicy, Value: 1, PeriodSeconds: 60}) {
			t.Errorf("%s: %+v", s.ScaleTargetRef.Name, s)
		}
	}
}

func TestGPUsGoWhereTheModelIs(t *testing.T) {
	all := pods(objects(t, rendered(t, "production")))
	for _, c := range []struct{ pod, container, resource, count, args string }{
		{"leat-worker-big", "server", "nvidia.com/gpu", "4", "--tensor-parallel-size 4"},
		{"leat-worker-small", "server", "nvidia.com/gpu", "1", "--port 8000"},
		{"leat-worker-mig", "worker", "nvidia.com/mig-1g.10gb", "1", ""},
		{"leat-worker-shared", "worker", "nvidia.com/gpu.shared", "1", ""},
	} {
		holders := 0
		for _, k := range slices.Concat(all[c.pod].Spec.InitContainers, all[c.pod].Spec.Containers) {
			n, has := k.Resources.Limits[core.ResourceName(c.resource)]
			if has {
				holders++
			}
			if k.Name == c.container && (n.String() != c.count || !strings.Contains(strings.Join(k.Args, " "), c.args)) {
				t.Errorf("%s: %s has %s of %s and the arguments %q", c.pod, k.Name, n.String(), c.resource, k.Args)
			}
		}
		if holders != 1 {
			t.Errorf("%s: %d containers hold its GPUs", c.pod, holders)
		}
	}
	if s := all["leat-worker-small"].Spec; s.NodeSelector["example.com/capacity"] != "spot" || len(s.Tolerations) != 2 {
		t.Errorf("the spot pool goes to %v, tolerating %v", s.NodeSelector, s.Tolerations)
	}
}

// Only workers on spot machines heed the cloud's notices, and only they may reach what tells them; a pool's own words count more.
func TestOnlySpotMachinesAreWatched(t *testing.T) {
	render, err := template(t, "production", "nodePools.spot.notices=aws,workers[2].config.spot.provider=gcp")
	if err != nil {
		t.Fatal(err)
	}
	all := objects(t, render)
	for pool, want := range map[string]string{"big": "off", "small": "aws", "mig": "gcp"} {
		file := configOf(all, "leat-worker-"+pool)
		var got struct {
			Worker struct{ Spot struct{ Provider string } }
		}
		if err := yaml.Unmarshal([]byte(file), &got); err != nil || got.Worker.Spot.Provider != want {
			t.Errorf("%s: provider %q, want %q, %v", pool, got.Worker.Spot.Provider, want, err)
		}
	}
	opened := 0
	for _, o := range all["networking.k8s.io/v1/NetworkPolicy"] {
		p := o.(*networking.NetworkPolicy)
		for _, e := range p.Spec.Egress {
			if len(e.To) == 1 && e.To[0].IPBlock != nil && e.To[0].IPBlock.CIDR == "169.254.169.254/32" {
				opened++
				if p.Spec.PodSelector.MatchLabels["leat/pool"] != "small" {
					t.Errorf("%s opens the metadata service to %v", p.Name, p.Spec.PodSelector.MatchLabels)
				}
			}
		}
	}
	if opened != 1 {
		t.Errorf("%d policies open the metadata service", opened)
	}
}

// configOf is the file that a workload's processes read.
func configOf(all map[string][]runtime.Object, name string) string {
	for _, o := range all["v1/ConfigMap"] {
		if c := o.(*core.ConfigMap); c.Name == name {
			return c.Data["leat.yaml"]
		}
	}
	return ""
}
