package natsusers_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
	"sigs.k8s.io/yaml"

	"github.com/leathq/leat/e2e/natsusers"
	"github.com/leathq/leat/pkg/events"
)

const deploy = "../../deploy/nats"

func users() []natsusers.User { return natsusers.Users(events.Flows(), events.Stores()) }

func read(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(deploy, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestTheFilesAreOfTheseRoles(t *testing.T) {
	values, err := natsusers.Values(users(), natsusers.Secret)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"users.conf": natsusers.Conf(users()), "users.yaml": values} {
		if read(t, name) != want {
			t.Errorf("deploy/nats/%s is not what pkg/events/roles.go says: go run ./e2e/natsusers/cmd/natsusers", name)
		}
	}
}

// No role may do what the tables do not give it, by either of the files.
func TestARoleMayDoItsOwnAndNothingElse(t *testing.T) {
	for name, conf := range map[string]string{"users.conf": natsusers.Conf(users()), "users.yaml": fromValues(t)} {
		t.Run(name, func(t *testing.T) {
			url, log := serve(t, conf)
			for _, role := range events.Roles() {
				nc := connect(t, url, role)
				publish := func(subject string) bool {
					return log.refused(t, nc, func() error { return nc.Publish(subject, nil) })
				}
				subscribe := func(subject string) bool {
					return log.refused(t, nc, func() error {
						sub, err := nc.SubscribeSync(subject)
						if err == nil {
							err = sub.Unsubscribe()
						}
						return err
					})
				}
				for _, f := range events.Flows() {
					subject := regexp.MustCompile(`\{\w+\}`).ReplaceAllString(f.Pattern, "x")
					if got := publish(subject); got == f.Sends(role) {
						t.Errorf("%s says something on %s: refused: %v", role, f.Pattern, got)
					}
					if got := subscribe(subject); got == f.Hears(role) {
						t.Errorf("%s listens to %s: refused: %v", role, f.Pattern, got)
					}
				}
				for _, other := range events.Roles() {
					if got := subscribe("_INBOX." + string(other) + ".x"); got != (other != role) {
						t.Errorf("%s listens to the answers to %s: refused: %v", role, other, got)
					}
				}
				for _, s := range strings.Fields(`> *.> _INBOX.> $JS.> $SYS.> $KV.>`) {
					if !subscribe(s) {
						t.Errorf("%s listens to %s", role, s)
					}
				}
				for _, s := range strings.Fields(`$JS.API.STREAM.LIST $JS.API.STREAM.NAMES $JS.API.STREAM.INFO.OTHER $JS.API.STREAM.CREATE.OTHER
					$JS.API.STREAM.DELETE.KV_leases $JS.API.STREAM.DELETE.OBJ_claims $JS.API.STREAM.PURGE.KV_leases
					$JS.API.STREAM.MSG.GET.KV_leases $JS.API.DIRECT.GET.KV_leases $JS.API.CONSUMER.CREATE.KV_leases.x $SYS.REQ.SERVER.PING`) {
					if !publish(s) {
						t.Errorf("%s asks %s", role, s)
					}
				}
			}
		})
	}
}

// What an operator would try by hand, spelt out and not by way of the tables.
func TestRefusedInSoManyWords(t *testing.T) {
	url, log := serve(t, natsusers.Conf(users()))
	for _, c := range []struct {
		role    events.Role
		subject string
		refused bool
	}{
		{"worker", "infer.default.0", true}, {"worker", "rtr.router-1", false}, {"worker", "work.w2", true},
		{"worker", "$KV.leases.router.default.0", true}, {"worker", "$KV.leases.worker.w1", false}, {"worker", "rep.gateway-1.1", true},
		{"worker", "hb.gateway-1", true}, {"worker", "tok.gateway-1", false}, {"worker", "$JS.API.STREAM.UPDATE.KV_leases", true},
		{"gateway", "rtr.router-1", true}, {"gateway", "infer.default.0", false}, {"gateway", "work.w1", true},
		{"gateway", "tok.gateway-2", true}, {"gateway", "rpt.default.w1", true}, {"gateway", "$KV.leases.router.default.0", true},
		{"gateway", "$JS.API.STREAM.UPDATE.KV_leases", true}, {"router", "$JS.API.STREAM.INFO.JOBS", true}, {"worker", "$JS.API.STREAM.INFO.JOBS", true},
		{"worker", "jobs.bulk.acme.chat", true}, {"worker", "results.chat.1", true}, {"jobs", "jobs.bulk.acme.chat", false}, {"jobs", "results.chat.1", true}, {"jobs", "infer.default.0", true},
		{"router", "tok.gateway-1", true}, {"router", "work.w1", false}, {"router", "$KV.leases.worker.w1", true}, {"router", "$O.claims.C.x", true},
		{"console", "ctl.w1", true}, {"console", "rpt.default.w1", true}, {"leat", "$JS.API.STREAM.LIST", true},
	} {
		nc := connect(t, url, c.role)
		if got := log.refused(t, nc, func() error { return nc.Publish(c.subject, nil) }); got != c.refused {
			t.Errorf("%s publishes on %s: refused: %v", c.role, c.subject, got)
		}
	}
	if _, err := nats.Connect(url); err == nil {
		t.Error("a client without a user is let in")
	}
	if _, err := nats.Connect(url, nats.UserInfo("gateway", password("worker"))); err == nil {
		t.Error("the gateway is let in by the worker's password")
	}
}

// fromValues spells the chart's config.merge as NATS's chart does: JSON, in which << >> stands for what is not quoted.
func fromValues(t *testing.T) string {
	t.Helper()
	var v struct {
		Config struct {
			Merge struct {
				Authorization any `json:"authorization"`
			}
		}
	}
	if err := yaml.Unmarshal([]byte(read(t, "users.yaml")), &v); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(map[string]any{"authorization": v.Config.Merge.Authorization}); err != nil {
		t.Fatal(err)
	}
	inner := strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(out.String()), "{"), "}")
	return regexp.MustCompile(`"<< (\$\w+) >>"`).ReplaceAllString(inner, "$1")
}
