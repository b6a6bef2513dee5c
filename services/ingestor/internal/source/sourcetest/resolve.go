package sourcetest

import (
	"context"
	"net"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

// Resolve answers this process's questions for names, which end with a dot, in place of the machine's resolver, for the length of the test.
func Resolve(t *testing.T, names map[string][4]byte) {
	t.Helper()
	server, err := (&net.ListenConfig{}).ListenPacket(t.Context(), "udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	before := net.DefaultResolver
	net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp4", server.LocalAddr().String())
	}}
	t.Cleanup(func() { net.DefaultResolver = before; _ = server.Close() })
	go func() {
		for buf := make([]byte, 1500); ; {
			n, from, err := server.ReadFrom(buf)
			if err != nil {
				return
			}
			if out := answer(buf[:n], names); out != nil {
				_, _ = server.WriteTo(out, from)
			}
		}
	}()
}

// answer is a DNS message for another; nil for what is none.
func answer(question []byte, names map[string][4]byte) []byte {
	var m dnsmessage.Message
	if m.Unpack(question) != nil || len(m.Questions) != 1 {
		return nil
	}
	m.Response, m.Authoritative, m.Additionals = true, true, nil
	q := m.Questions[0]
	if a, ok := names[q.Name.String()]; ok && q.Type == dnsmessage.TypeA {
		m.Answers = []dnsmessage.Resource{{Header: dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class, TTL: 1}, Body: &dnsmessage.AResource{A: a}}}
	}
	out, err := m.Pack()
	if err != nil {
		return nil
	}
	return out
}
