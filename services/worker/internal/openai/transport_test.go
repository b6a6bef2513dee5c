package openai_test

import (
	"crypto/x509"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"
)

// counted is an upstream that counts its connections.
func counted(t *testing.T, secure bool) (*server, *atomic.Int32) {
	t.Helper()
	plain := newServer(t)
	conns := &atomic.Int32{}
	s := &server{pages: plain.pages, gone: plain.gone}
	s.Server = httptest.NewUnstartedServer(s)
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			conns.Add(1)
		}
	}
	if secure {
		s.StartTLS()
	} else {
		s.Start()
	}
	t.Cleanup(func() { s.CloseClientConnections(); s.Close() })
	return s, conns
}

// A call costs no new connection, however the one before ended well, by either client.
func TestConnectionsAreUsedAgain(t *testing.T) {
	for name, c := range map[string]struct{ secure, std bool }{"http": {false, false}, "http by net/http": {false, true}, "https": {true, true}} {
		s, conns := counted(t, c.secure)
		cfg := config(s.URL)
		cfg.ProbeInterval = time.Hour
		e := open(t, cfg)
		if c.secure {
			roots := x509.NewCertPool()
			roots.AddCert(s.Certificate())
			e.Trust(roots)
		} else if c.std {
			e.UseNetHTTP()
		}
		if st := e.Stats(); !st.Healthy {
			t.Fatalf("%s: %s", name, st.HealthMessage)
		}
		s.handle("/v1/chat/completions", streaming(nil, event("a"), finished, usage, done))
		before := conns.Load()
		for range 20 {
			out := newSink()
			if err := e.Generate(t.Context(), chat(true), out); err != nil || out.text() != "a" {
				t.Fatalf("%s: %q, %v", name, out.text(), err)
			}
		}
		s.handle("/v1/chat/completions", page(`{"choices":[{"finish_reason":"stop","message":{"content":"x"}}]}`))
		for range 20 {
			if err := e.Generate(t.Context(), chat(false), newSink()); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
		if n := conns.Load() - before; n > 15 { // a busy server ends some answers too late; that of one kind would be 20
			t.Errorf("%s: %d new connections for 40 calls", name, n)
		}
	}
}
