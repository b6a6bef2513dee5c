//go:build kafka_real

package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// server is a broker and its controller, in one process of Apache Kafka on loopback.
type server struct {
	t       *testing.T
	lib     string // folder of jars
	config  string
	addr    string
	process *exec.Cmd
}

var jars = sync.OnceValues(func() (string, error) {
	cmd := exec.Command("broker/install.sh")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	return strings.TrimSpace(string(out)), err
})

// ports gives two that nobody listens on.
func ports(t *testing.T) (out [2]string) {
	t.Helper()
	for i := range out {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = l.Close() }()
		out[i] = l.Addr().String()
	}
	return out
}

func newServer(t *testing.T) *server {
	t.Helper()
	lib, err := jars()
	if err != nil {
		t.Fatalf("broker/install.sh: %v", err)
	}
	dir, at := t.TempDir(), ports(t)
	s := &server{t: t, lib: lib, addr: at[0], config: filepath.Join(dir, "server.properties")}
	props := fmt.Sprintf(`process.roles=broker,controller
node.id=1
controller.quorum.voters=1@%[2]s
listeners=PLAINTEXT://%[1]s,CONTROLLER://%[2]s
advertised.listeners=PLAINTEXT://%[1]s
controller.listener.names=CONTROLLER
log.dirs=%[3]s
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=1
`, at[0], at[1], filepath.Join(dir, "log"))
	if err := os.WriteFile(s.config, []byte(props), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := s.java(t.Context(), "kafka.tools.StorageTool", "format", "-t", "MkU3OEVBNTcwNTJENDM2Qg", "-c", s.config).CombinedOutput(); err != nil {
		t.Fatalf("format the storage: %v\n%s", err, out)
	}
	s.start()
	t.Cleanup(s.kill)
	return s
}

func (s *server) java(ctx context.Context, args ...string) *exec.Cmd {
	return exec.CommandContext(ctx, "java", append([]string{"-Xmx512m", "-cp", filepath.Join(s.lib, "*")}, args...)...)
}

// start returns when the broker answers.
func (s *server) start() {
	s.t.Helper()
	var said bytes.Buffer
	s.process = s.java(context.WithoutCancel(s.t.Context()), "kafka.Kafka", s.config)
	s.process.Stdout, s.process.Stderr = &said, &said
	if err := s.process.Start(); err != nil {
		s.t.Fatal(err)
	}
	if err := s.answers(); err != nil {
		s.kill()
		s.t.Fatalf("the broker does not answer: %v\n%s", err, said.String())
	}
}

// answers waits until the broker knows of itself: it is another program, and has no other way to say that it is there.
func (s *server) answers() error {
	ctx, cancel := context.WithTimeout(s.t.Context(), time.Minute)
	defer cancel()
	cl := s.client()
	defer cl.Close()
	again := time.NewTicker(100 * time.Millisecond)
	defer again.Stop()
	for {
		meta, err := kmsg.NewPtrMetadataRequest().RequestWith(ctx, cl)
		if err == nil && len(meta.Brokers) == 1 {
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-again.C:
		}
	}
}

// kill ends the broker as a crash does.
func (s *server) kill() {
	_ = s.process.Process.Kill()
	_ = s.process.Wait()
}

func (s *server) client(opts ...kgo.Opt) *kgo.Client {
	s.t.Helper()
	cl, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(s.addr)}, opts...)...)
	if err != nil {
		s.t.Fatal(err)
	}
	return cl
}

func (s *server) topic(name string, partitions int32) {
	s.t.Helper()
	cl := s.client()
	defer cl.Close()
	req := kmsg.NewPtrCreateTopicsRequest()
	rt := kmsg.NewCreateTopicsRequestTopic()
	rt.Topic, rt.NumPartitions, rt.ReplicationFactor = name, partitions, 1
	req.Topics, req.TimeoutMillis = append(req.Topics, rt), 30000
	resp, err := req.RequestWith(s.t.Context(), cl)
	if err != nil || resp.Topics[0].ErrorCode != 0 {
		s.t.Fatalf("create topic %s: %v, %+v", name, err, resp)
	}
}

// broker starts Apache Kafka with a topic of three partitions.
func broker(t *testing.T) []string {
	t.Helper()
	s := newServer(t)
	s.topic(topicName, 3)
	return []string{s.addr}
}
