package natsusers

import (
	"fmt"
	"strings"

	"sigs.k8s.io/yaml"
)

// Secret is the Kubernetes secret that holds a password under each user's name.
const Secret = "leat-nats-users"

const notice = "# Written by `go run ./e2e/natsusers/cmd/natsusers` from pkg/events/roles.go. Do not edit.\n"

// variable is the environment variable of the server that holds a user's password.
func variable(user string) string { return "LEAT_" + strings.ToUpper(user) + "_PASSWORD" }

// Conf spells users as a part of nats-server's own configuration, to be included. The passwords are taken from the
// server's environment.
func Conf(users []User) string {
	var b strings.Builder
	b.WriteString(notice + "authorization {\n  users: [\n")
	for _, u := range users {
		fmt.Fprintf(&b, "    {\n      user: %s\n      password: $%s\n      permissions: {\n", u.Name, variable(u.Name))
		for what, list := range [][]string{u.Publish, u.Subscribe} {
			fmt.Fprintf(&b, "        %s: {\n", []string{"publish", "subscribe"}[what])
			if len(list) == 0 {
				b.WriteString("          deny: \">\"\n")
			} else {
				fmt.Fprintf(&b, "          allow: [\n            \"%s\"\n          ]\n", strings.Join(list, "\"\n            \""))
			}
			b.WriteString("        }\n")
		}
		b.WriteString("      }\n    }\n")
	}
	b.WriteString("  ]\n}\n")
	return b.String()
}

// Values spells users as values of NATS's own Helm chart. The passwords come from a secret.
func Values(users []User, secret string) (string, error) {
	list, env := []any{}, map[string]any{}
	for _, u := range users {
		publish := map[string]any{"allow": u.Publish}
		if len(u.Publish) == 0 {
			publish = map[string]any{"deny": ">"}
		}
		list = append(list, map[string]any{
			"user": u.Name, "password": "<< $" + variable(u.Name) + " >>", // the chart leaves what stands in << >> unquoted
			"permissions": map[string]any{"publish": publish, "subscribe": map[string]any{"allow": u.Subscribe}},
		})
		env[variable(u.Name)] = map[string]any{"valueFrom": map[string]any{"secretKeyRef": map[string]any{"name": secret, "key": u.Name}}}
	}
	out, err := yaml.Marshal(map[string]any{
		"config":    map[string]any{"merge": map[string]any{"authorization": map[string]any{"users": list}}},
		"container": map[string]any{"env": env},
	})
	return notice + string(out), err
}
