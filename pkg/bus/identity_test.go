package bus_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/leathq/leat/pkg/bus"
	inferv1 "github.com/leathq/leat/proto/gen/leat/infer/v1"
)

func write(t *testing.T, name, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// pair makes a certificate that signs itself, for 127.0.0.1.
func pair(t *testing.T, name string) (cert, key string) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	c := &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()), Subject: pkix.Name{CommonName: name}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &k.PublicKey, k)
	if err != nil {
		t.Fatal(err)
	}
	kder, err := x509.MarshalECPrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	return write(t, name+".crt", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))),
		write(t, name+".key", string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: kder})))
}

// guarded runs a server that takes the user gw with the password secret, over TLS, from clients whose certificate it knows.
func guarded(t *testing.T, cert, key, clients string) string {
	t.Helper()
	conf, err := server.GenTLSConfig(&server.TLSConfigOpts{CertFile: cert, KeyFile: key, CaFile: clients, Verify: true, MinVersion: tls.VersionTLS13})
	if err != nil {
		t.Fatal(err)
	}
	s, err := server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT, NoSigs: true, NoLog: true, JetStream: true, StoreDir: t.TempDir(),
		Username: "gw", Password: "secret", TLS: true, TLSVerify: true, TLSConfig: conf, TLSTimeout: 10,
	})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	if !s.ReadyForConnections(20 * time.Second) {
		t.Fatal("the server does not start")
	}
	return s.ClientURL()
}

// A process says who it is and whom it believes, and is told what is wrong where that fails.
func TestIdentity(t *testing.T) {
	cert, key := pair(t, "server")
	ours, oursKey := pair(t, "client")
	good := bus.DefaultConfig()
	good.URL, good.ConnectTimeout = guarded(t, cert, key, ours), 20*time.Second
	good.CA, good.Cert, good.Key, good.User, good.PasswordFile = cert, ours, oursKey, "gw", write(t, "password", "secret\n")
	soon := func(c *bus.Config) { c.ConnectTimeout = time.Millisecond } // what is refused, is refused at once
	for name, c := range map[string]struct {
		change func(*bus.Config)
		want   string
	}{
		"all is well":    {func(*bus.Config) {}, ""},
		"password given": {func(c *bus.Config) { c.PasswordFile, c.Password = "", "secret" }, ""},
		"wrong password": {func(c *bus.Config) { c.PasswordFile, c.Password = "", "guess" }, "does not take the user gw"},
		"nobody":         {func(c *bus.Config) { c.User, c.PasswordFile = "", "" }, "a client without credentials: give nats-user"},
		"unknown signer": {func(c *bus.Config) { c.CA = ours; soon(c) }, "by nats-ca"},
		"no such file":   {func(c *bus.Config) { c.PasswordFile = "/no/such" }, "nats-password-file: open /no/such"},
		"empty file":     {func(c *bus.Config) { c.PasswordFile = write(t, "empty", "\n") }, "is empty"},
		"no certificate": {func(c *bus.Config) { c.Cert, c.Key = "", ""; soon(c) }, "give nats-cert and nats-key"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := good
			c.change(&cfg)
			if err := cfg.Validate(); err != nil {
				t.Fatal(err)
			}
			b, err := bus.Connect(t.Context(), cfg, bus.Options{Name: "t", Inbox: "gateway"})
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("got %v, want %q", err, c.want)
			}
			if err == nil {
				speaks(t, b)
			}
		})
	}
}

// speaks holds a bus to a question and its answer, on an inbox of its service's own, and closes it.
func speaks(t *testing.T, b *bus.Bus) {
	t.Helper()
	inbox := make(chan string, 1)
	x, err := b.Listen(bus.Control, func(m *nats.Msg) {
		inbox <- m.Reply
		if err := b.Publish(bus.Control, m.Reply, "", &inferv1.Pong{Worker: "w"}); err != nil {
			t.Error(err)
		}
	}, "ctl.w")
	if err != nil {
		t.Fatal(err)
	}
	p := &inferv1.Pong{}
	if err := b.Request(t.Context(), "ctl.w", &inferv1.Control{}, p); err != nil || p.GetWorker() != "w" {
		t.Errorf("asked over TLS: %v, %v", p, err)
	}
	if reply := <-inbox; !strings.HasPrefix(reply, "_INBOX.gateway.") {
		t.Errorf("answers go to %s", reply)
	}
	x.Stop()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := b.Close(ctx); err != nil {
		t.Error(err)
	}
}

func TestHalfAnIdentityIsRefused(t *testing.T) {
	for want, change := range map[string]func(*bus.Config){
		"no user":                func(c *bus.Config) { c.Password = "x" },
		"has no password":        func(c *bus.Config) { c.User = "x" },
		"leave one out":          func(c *bus.Config) { c.User, c.Password, c.PasswordFile = "x", "x", "x" },
		"one identity":           func(c *bus.Config) { c.User, c.Password, c.Creds = "x", "x", "x" },
		"need each other":        func(c *bus.Config) { c.Cert = "x" },
		"key (nats-key) need ea": func(c *bus.Config) { c.Key = "x" },
	} {
		c := bus.DefaultConfig()
		change(&c)
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		}
	}
}
