// Package natsusers turns what pkg/events says of subjects, stores and roles into NATS users: one per service, allowed
// only its own subjects. Its tests run the services under these users against a real nats-server.
//
// It knows what JetStream's API asks of a client's permissions, and nothing of what the messages mean.
package natsusers

import (
	"slices"
	"strings"

	"github.com/leathq/leat/pkg/events"
)

// User is one NATS user and all that it may do. It may not do what is not listed.
type User struct {
	Name               string
	Publish, Subscribe []string
}

// Users makes one user per role, with sorted permissions.
func Users(flows []events.Flow, stores []events.Store) []User {
	var out []User
	for _, role := range events.Roles() {
		u := User{Name: string(role), Subscribe: []string{inbox(role)}}
		for _, f := range flows {
			u.flow(f, role)
		}
		for _, s := range stores {
			for _, g := range s.To(role) {
				u.Publish = append(u.Publish, grant(s, g)...)
			}
		}
		u.Publish, u.Subscribe = tidy(u.Publish), tidy(u.Subscribe)
		out = append(out, u)
	}
	return out
}

// inbox is where answers to a role's questions arrive: pkg/host names the inboxes after the service.
func inbox(r events.Role) string { return "_INBOX." + string(r) + ".>" }

func (u *User) flow(f events.Flow, role events.Role) {
	if f.Sends(role) {
		u.Publish = append(u.Publish, wild(f.Pattern))
	}
	if !f.Hears(role) {
		return
	}
	u.Subscribe = append(u.Subscribe, wild(f.Pattern))
	for _, asker := range events.Roles() {
		if f.Asked && f.Sends(asker) {
			u.Publish = append(u.Publish, inbox(asker))
		}
	}
}

// wild is a subject's pattern with NATS's wildcard for each placeholder.
func wild(pattern string) string {
	parts := strings.Split(pattern, ".")
	for i, p := range parts {
		if strings.HasPrefix(p, "{") {
			parts[i] = "*"
		}
	}
	return strings.Join(parts, ".")
}

func tidy(list []string) []string {
	slices.Sort(list)
	return slices.Compact(list)
}
