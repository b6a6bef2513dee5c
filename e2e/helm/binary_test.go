package helm_test

import (
	"context"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	core "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/leathq/leat/e2e/driver/procs"
	"github.com/leathq/leat/e2e/driver/programs"
	"github.com/leathq/leat/e2e/scenario"
)

// started is what a pod's container starts: leat's own command line, with the file that it names lying here.
type started struct {
	args []string // from the command on
	env  []string // of the settings
	pod  core.PodSpec
}

// leats are the containers of a render that run leat as a service, by the names of their workloads.
func leats(t *testing.T, all map[string][]runtime.Object) map[string]started {
	t.Helper()
	out := map[string]started{}
	for name, pod := range pods(all) {
		if pod.Spec.RestartPolicy == core.RestartPolicyNever {
			continue
		}
		c := pod.Spec.Containers[0]
		s := started{pod: pod.Spec}
		file := filepath.Join(t.TempDir(), "leat.yaml")
		for _, o := range all["v1/ConfigMap"] {
			if m := o.(*core.ConfigMap); m.Name == name {
				if err := os.WriteFile(file, []byte(m.Data["leat.yaml"]), 0o600); err != nil {
					t.Fatal(err)
				}
			}
		}
		for _, a := range c.Args {
			s.args = append(s.args, strings.Replace(a, "/etc/leat/leat.yaml", file, 1))
		}
		for _, e := range c.Env {
			value := e.Value
			if e.ValueFrom != nil {
				value = "nats://secret:4222"
			}
			s.env = append(s.env, e.Name+"="+value)
		}
		out[name] = s
	}
	return out
}

// leat runs the binary with nothing but the given settings.
func leat(t *testing.T, env []string, args ...string) (string, error) {
	t.Helper()
	program := programs.Ours(t, "leat") // building it is not part of the time
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env = append([]string{"HOME=" + t.TempDir(), "PATH=" + os.Getenv("PATH")}, env...)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// A key, variable or flag that the binary does not have fails here, before it fails a pod.
func TestTheBinaryTakesWhatTheChartSets(t *testing.T) {
	for _, name := range sets {
		for workload, s := range leats(t, objects(t, rendered(t, name))) {
			out, err := leat(t, s.env, append([]string{"config"}, s.args[1:]...)...)
			if err != nil {
				t.Errorf("%s: %s: %v\n%s", name, workload, err, out)
			}
			if !regexp.MustCompile(`url: nats://secret:4222 +# env LEAT_NATS`).MatchString(out) || !regexp.MustCompile(`http: ":8080" +# file`).MatchString(out) {
				t.Errorf("%s: %s: the secret's URL or the file is not in force:\n%s", name, workload, out)
			}
			if out, err := leat(t, s.env, append(s.args, "--no-such-flag")...); err == nil || strings.Contains(out, "unknown environment variable") || !strings.Contains(out, "--no-such-flag") {
				t.Errorf("%s: %s: leat %s does not read its command line: %v\n%s", name, workload, s.args[0], err, out)
			}
		}
	}
}

// The laptop's fleet runs as the chart configures it, but for free ports of this machine.
func TestTheRenderedFleetServes(t *testing.T) {
	all := objects(t, rendered(t, "laptop"))
	nats, out := procs.NATS(t), &procs.Output{}
	fleet := map[string]*procs.Process{}
	for name, s := range leats(t, all) {
		args := append(s.args, "--nats", nats, "--http", "127.0.0.1:0", "--grpc", "127.0.0.1:0")
		p := procs.Run(t, out, programs.Ours(t, "leat"), args...)
		fleet[name] = p
		scenario.Ready(t, p.URL())
		c := s.pod.Containers[0]
		for _, probe := range []*core.Probe{c.StartupProbe, c.LivenessProbe, c.ReadinessProbe} {
			if status, body := get(t, p.URL()+probe.HTTPGet.Path); status != http.StatusOK || probe.HTTPGet.Port.StrVal != "http" {
				t.Errorf("%s: probe %s of port %s: %d %s", name, probe.HTTPGet.Path, probe.HTTPGet.Port.String(), status, body)
			}
		}
	}
	gateway := fleet["leat-gateway"].URL()
	listsModel(t, all, gateway)
	resp, err := http.Post(gateway+"/v1/completions", "application/json", strings.NewReader(`{"model":"sim","prompt":"hello","max_tokens":4}`))
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(resp.Body)
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
	_, atGateway := get(t, gateway+"/metrics")
	_, atRouter := get(t, fleet["leat-router"].URL()+"/metrics")
	for _, query := range regexp.MustCompile(`query: (.*)`).FindAllString(rendered(t, "production"), -1) {
		for _, m := range regexp.MustCompile(`(\w+)\{`).FindAllStringSubmatch(query, -1) {
			if !strings.Contains(atGateway+atRouter, "\n"+m[1]+"{") {
				t.Errorf("KEDA would ask for %s, which nobody exports", m[1])
			}
		}
	}
}

// listsModel runs the chart's own test until the worker's report has reached the gateway.
func listsModel(t *testing.T, all map[string][]runtime.Object, gateway string) {
	t.Helper()
	c := all["v1/Pod"][0].(*core.Pod).Spec.Containers[0]
	args := append([]string{}, c.Args...)
	for i, a := range args {
		args[i] = strings.Replace(a, "http://leat:8080", gateway, 1)
	}
	for deadline := time.Now().Add(20 * time.Second); ; {
		out, err := leat(t, nil, args...)
		if err != nil {
			t.Fatalf("leat %s: %v\n%s", args, err, out)
		}
		if regexp.MustCompile(`(?m)^sim\b`).MatchString(out) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("leat %s lists no model:\n%s", args, out)
		}
	}
}

func get(t *testing.T, url string) (status int, body string) {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(data)
}
