package source_test

import (
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/leathq/leat/services/ingestor/internal/source"
	"github.com/leathq/leat/services/ingestor/internal/source/sourcetest"
)

// A source speaks to no address at which a cloud gives away credentials, however it is written; to others it does, and to these where the settings say so.
func TestAddressesOfCloudsAreNotReached(t *testing.T) {
	for _, address := range []string{
		"169.254.169.254", "169.254.170.2", "::ffff:169.254.169.254", "64:ff9b::169.254.169.254", "64:ff9b::a83f:8110", "fe80::a9fe:a9fe", "fe80::1%lo", "ff02::1", "224.0.0.1",
		"fd00:ec2::254", "fd00:ec2::254%lo", "fd20:ce::254", "fd00:c1::a9fe:a9fe", "168.63.129.16", "100.100.100.200", "::ffff:100.100.100.200",
	} {
		a := netip.MustParseAddr(address)
		if err := (source.Bounds{}).Reaches(a); source.CodeOf(err) != source.Denied || !strings.Contains(err.Error(), "ingestor.allow_link_local") {
			t.Errorf("%s: %v", address, err)
		}
		if err := (source.Bounds{LinkLocal: true}).Reaches(a); err != nil {
			t.Errorf("%s, allowed: %v", address, err)
		}
	}
	for _, address := range []string{"127.0.0.1", "10.0.0.1", "169.253.0.1", "168.63.129.17", "::1", "fd00::1", "64:ff9b::10.0.0.1", "2001:db8::1"} {
		if err := (source.Bounds{}).Reaches(netip.MustParseAddr(address)); err != nil {
			t.Errorf("%s: %v", address, err)
		}
	}
}

// A name leads to no address that the source must not reach: what it is resolved to is looked at, not what it says.
func TestANameHidesNoAddress(t *testing.T) {
	sourcetest.Resolve(t, map[string][4]byte{"cloud.example.": {169, 254, 169, 254}, "here.example.": {127, 0, 0, 1}})
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	if _, err := (source.Bounds{}).Dialer().DialContext(t.Context(), "tcp4", "cloud.example:"+port); source.CodeOf(err) != source.Denied {
		t.Errorf("a name for the cloud's address: %v", err)
	}
	c, err := (source.Bounds{}).Dialer().DialContext(t.Context(), "tcp4", "here.example:"+port)
	if err != nil {
		t.Fatalf("a name for this machine: %v", err)
	}
	_ = c.Close()
}

// A variable may be named by its name, or where its beginning is listed; without a list any, with an empty one none.
func TestVariablesAreThoseThatAreListed(t *testing.T) {
	for _, c := range []struct {
		allowed  []string
		variable string
		may      bool
	}{
		{[]string{"TOKEN", "LEAT_SOURCE_*"}, "TOKEN", true},
		{[]string{"TOKEN", "LEAT_SOURCE_*"}, "LEAT_SOURCE_X", true},
		{[]string{"TOKEN", "LEAT_SOURCE_*"}, "TOKEN_2", false},
		{[]string{"TOKEN", "LEAT_SOURCE_*"}, "LEAT_SOURCE", false},
		{[]string{"TOKEN", "LEAT_SOURCE_*"}, "MY_LEAT_SOURCE_X", false},
		{[]string{}, "TOKEN", false},
		{nil, "TOKEN", true},
	} {
		b := source.Bounds{Environment: c.allowed}
		if b.May(c.variable) != c.may {
			t.Errorf("%v: %s may be named: %v", c.allowed, c.variable, !c.may)
		}
		_, err := source.Deps{Bounds: b, Getenv: func(string) string { return "s3cret" }}.Secret("env", c.variable)
		if (err == nil) != c.may || err != nil && source.CodeOf(err) != source.Denied {
			t.Errorf("%v: the secret in %s: %v", c.allowed, c.variable, err)
		}
	}
}

// A program has what is listed and what any needs to run. Which directories it may read nobody says but the settings.
func TestAProgramHasTheVariablesThatAreListed(t *testing.T) {
	t.Setenv("TOKEN", "s3cret")
	t.Setenv("LEAT_SOURCE_X", "mine")
	t.Setenv("LEAT_SOURCE_PATHS", "/")
	names := func(b source.Bounds) (out []string) {
		for _, v := range b.Environ() {
			name, _, _ := strings.Cut(v, "=")
			out = append(out, name)
		}
		return out
	}
	listed := source.Bounds{Environment: []string{"LEAT_SOURCE_*"}}
	if got := names(listed); slices.Contains(got, "TOKEN") || slices.Contains(got, "LEAT_SOURCE_PATHS") || !slices.Contains(got, "LEAT_SOURCE_X") || !slices.Contains(got, "PATH") {
		t.Errorf("it has %v", got)
	}
	for _, paths := range [][]string{{}, {"/a", "/b"}} {
		listed.Paths = paths
		want := "LEAT_SOURCE_PATHS=" + strings.Join(paths, string(os.PathListSeparator))
		if got := listed.Environ(); !slices.Contains(got, want) || strings.Count(strings.Join(got, "\n"), "LEAT_SOURCE_PATHS=") != 1 {
			t.Errorf("with paths %v it has %v", paths, got)
		}
	}
	if got := (source.Bounds{}).Environ(); got != nil {
		t.Errorf("unbounded it has %v, and not just ours", got)
	}
}
