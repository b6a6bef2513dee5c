package source

import (
	"context"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"syscall"
)

// Bounds are what whoever describes a source may make this process do. The zero value lets a source read every file that the process can, and neither
// run commands nor speak to addresses that only mean this machine's cloud.
type Bounds struct {
	Paths       []string // absolute directories below which files may be read; nil: all, empty: none
	Environment []string // names of variables that a source may name, or their beginnings with a * behind; nil: all
	Commands    bool     // whether a source may be any command
	LinkLocal   bool     // whether it may speak to link-local addresses, where clouds keep the credentials of machines
}

// May says whether a source may name a variable of the environment.
func (b Bounds) May(variable string) bool {
	return b.Environment == nil || slices.ContainsFunc(b.Environment, func(allowed string) bool {
		begin, open := strings.CutSuffix(allowed, "*")
		return variable == allowed || open && strings.HasPrefix(variable, begin)
	})
}

// system are variables without secrets of ours that programs need to run at all.
var system = []string{"PATH", "HOME", "USER", "TMPDIR", "TZ", "LANG", "LC_*", "SSL_CERT_FILE", "SSL_CERT_DIR", "VIRTUAL_ENV", "PYTHONPATH"}

// Environ is the environment of a program: what it needs to run, what sources may name, and in LEAT_SOURCE_PATHS the directories that it may read, where there are bounds.
func (b Bounds) Environ() []string {
	if b.Environment == nil && b.Paths == nil {
		return nil // as it is
	}
	base := Bounds{Environment: system}
	var out []string
	for _, v := range os.Environ() {
		if name, _, _ := strings.Cut(v, "="); name != PathsVariable && (base.May(name) || b.May(name)) {
			out = append(out, v)
		}
	}
	if b.Paths != nil {
		out = append(out, PathsVariable+"="+strings.Join(b.Paths, string(os.PathListSeparator)))
	}
	return out
}

// PathsVariable tells a program which directories it may read, as PATH lists them. Absent: all; empty: none.
const PathsVariable = "LEAT_SOURCE_PATHS"

// Secret is what a variable holds that a source's key names. An error names both and says what to do.
func (d Deps) Secret(key, variable string) (string, error) {
	if !d.Bounds.May(variable) {
		return "", Errorf(Denied, "source: %s: the variable %s must not be used by sources; there may be used %s, or add it to ingestor.environment", key, variable, list(d.Bounds.Environment))
	}
	v := d.Getenv(variable)
	if v == "" {
		return "", Errorf(Invalid, "source: %s: the variable %s is empty; set it for the ingestor", key, variable)
	}
	return v, nil
}

func list(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

// metadata are addresses beside the link-local ones at which clouds give away credentials: AWS, Google and Oracle over IPv6, Azure, Alibaba.
var metadata = []netip.Addr{
	netip.MustParseAddr("fd00:ec2::254"), netip.MustParseAddr("fd20:ce::254"), netip.MustParseAddr("fd00:c1::a9fe:a9fe"),
	netip.MustParseAddr("168.63.129.16"), netip.MustParseAddr("100.100.100.200"),
}

// translated is where IPv6-only networks have the addresses of IPv4, in the last four bytes (RFC 6052).
var translated = netip.MustParsePrefix("64:ff9b::/96")

// Reaches is an error where a source must not speak to an address.
func (b Bounds) Reaches(a netip.Addr) error {
	means := a.Unmap().WithZone("")
	if translated.Contains(means) {
		v6 := means.As16()
		means = netip.AddrFrom4([4]byte(v6[12:]))
	}
	if b.LinkLocal || !means.IsLinkLocalUnicast() && !means.IsLinkLocalMulticast() && !slices.Contains(metadata, means) {
		return nil
	}
	return Errorf(Denied, "the address %s is a link-local one, or another where clouds keep the credentials of machines; sources must not ask there unless ingestor.allow_link_local is set", a)
}

// Dialer connects to what a source may speak to. Addresses are looked at after names are resolved, so a name cannot hide one.
func (b Bounds) Dialer() *net.Dialer {
	return &net.Dialer{ControlContext: func(_ context.Context, _, address string, _ syscall.RawConn) error {
		at, err := netip.ParseAddrPort(address)
		if err != nil {
			return err
		}
		return b.Reaches(at.Addr())
	}}
}
