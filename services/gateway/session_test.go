package gateway

import (
	"testing"

	inferv1 "github.com/leathq/leat/proto/gen/leat/infer/v1"
)

// The header goes before metadata, which goes before the user; none of them is no session, and no tenant's sessions are
// another's.
func TestASessionIsNamedByHeaderMetadataOrUser(t *testing.T) {
	of := func(tenant, header, id, user string) uint64 {
		c := &call{tenant: tenant, session: header, template: &inferv1.Request{User: user}}
		if id != "" {
			c.template.Metadata = map[string]string{"session_id": id}
		}
		return sessionOf(c)
	}
	a := of("t", "a", "", "")
	for what, same := range map[string]bool{
		"header before metadata": a == of("t", "a", "b", "c"),
		"metadata before user":   a == of("t", "", "a", "c"),
		"user":                   a == of("t", "", "", "a"),
		"something":              a != 0 && a != of("t", "b", "", ""),
		"none":                   of("t", "", "", "") == 0,
		"tenants apart":          a != of("u", "a", "", ""),
	} {
		if !same {
			t.Error(what)
		}
	}
}

func TestAnEndlessSessionHeaderIsRefused(t *testing.T) {
	if _, err := session(string(make([]byte, 257))); err == nil {
		t.Error("257 characters are taken")
	}
}
