package tap_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/leathq/leat/pkg/bus/internal/tap"
)

// script is a server that says what it is given, in pieces, and notes what it hears.
type script struct {
	says  []byte
	piece int
	heard bytes.Buffer
}

// InProcessConn implements nats.InProcessConnProvider.
func (s *script) InProcessConn() (net.Conn, error) { return s, nil }

// Read implements net.Conn.
func (s *script) Read(p []byte) (int, error) {
	if len(s.says) == 0 {
		return 0, io.EOF
	}
	n := copy(p, s.says[:min(len(s.says), s.piece)])
	s.says = s.says[n:]
	return n, nil
}

func (s *script) Write(p []byte) (int, error)      { return s.heard.Write(p) }
func (s *script) Close() error                     { return nil }
func (s *script) LocalAddr() net.Addr              { return nil }
func (s *script) RemoteAddr() net.Addr             { return nil }
func (s *script) SetDeadline(time.Time) error      { return nil }
func (s *script) SetReadDeadline(time.Time) error  { return nil }
func (s *script) SetWriteDeadline(time.Time) error { return nil }

// hear plays a server's words to a client with one subscription; it returns what the client's own reader sees and what
// the subscription got.
func hear(t testing.TB, says []byte, piece, room int) (passed string, taken []string) {
	t.Helper()
	var h tap.Hub
	defer h.Subscribe("mine.*", func(m *nats.Msg) {
		taken = append(taken, fmt.Sprintf("%s|%s|%v|%s", m.Subject, m.Reply, m.Header, m.Data))
	})()
	c, err := h.InProcess(&script{says: bytes.Clone(says), piece: piece}).InProcessConn()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var out bytes.Buffer
	p := make([]byte, room)
	for {
		n, err := c.Read(p)
		out.Write(p[:n])
		if err != nil {
			if !errors.Is(err, io.EOF) {
				t.Fatal(err)
			}
			return out.String(), taken
		}
		if n == 0 {
			t.Fatal("a read of nothing")
		}
	}
}

var spoken = []struct{ says, passed, taken string }{
	{"INFO {\"a\":1}\r\nPONG\r\n", "INFO {\"a\":1}\r\nPONG\r\n", ""},
	{"PONG\r\nMSG mine.1 L1 2\r\nhi\r\nPING\r\n", "PONG\r\nPING\r\n", "mine.1||map[]|hi"},
	{"PONG\r\nMSG mine.1 L1 re.x 2\r\nhi\r\n", "PONG\r\n", "mine.1|re.x|map[]|hi"},
	{"PONG\r\nMSG yours 7 22\r\nMSG mine.1 L1 2\r\nhi\r\n\r\n", "PONG\r\nMSG yours 7 22\r\nMSG mine.1 L1 2\r\nhi\r\n\r\n", ""},
	{"PONG\r\nMSG mine.1 L1 0\r\n\r\nMSG mine.2 L1 4\r\n\r\n\r\n\r\n", "PONG\r\n", "mine.1||map[]|,mine.2||map[]|\r\n\r\n"},
	{"PONG\r\nHMSG mine.1 L1 16 18\r\nNATS/1.0 503\r\n\r\nhi\r\n", "PONG\r\n", "mine.1||map[Status:[503]]|hi"},
	{"PONG\r\nMSG mine.1 L9 2\r\nhi\r\nPING\r\n", "PONG\r\nPING\r\n", ""}, // cancelled meanwhile
	{"PONG\r\nMSG mine.1 L1 nonsense\r\nhi\r\n", "PONG\r\nMSG mine.1 L1 nonsense\r\nhi\r\n", ""},
}

func TestOnlyTheHubsOwnMessagesAreTakenOut(t *testing.T) {
	for _, c := range spoken {
		for _, piece := range []int{1, 3, 1000} {
			for _, room := range []int{1, 7, 4096} {
				passed, taken := hear(t, []byte(c.says), piece, room)
				if passed != c.passed || strings.Join(taken, ",") != c.taken {
					t.Errorf("%q in pieces of %d: passed %q, took %q", c.says, piece, passed, taken)
				}
			}
		}
	}
}

func TestAMessageAboveTheBufferArrivesWhole(t *testing.T) {
	body := strings.Repeat("0123456789", 100_000)
	says := fmt.Sprintf("PONG\r\nMSG mine.1 L1 2\r\nhi\r\nMSG mine.2 L1 %d\r\n%s\r\nMSG o 1 %d\r\n%s\r\nPING\r\n", len(body), body, len(body), body)
	passed, taken := hear(t, []byte(says), 30_000, 32<<10)
	if len(taken) != 2 || taken[1] != "mine.2||map[]|"+body {
		t.Errorf("took %d messages", len(taken))
	}
	if want := fmt.Sprintf("PONG\r\nMSG o 1 %d\r\n%s\r\nPING\r\n", len(body), body); passed != want {
		t.Errorf("passed %d bytes, want %d", len(passed), len(want))
	}
}

// However the words of a server are cut, what is heard is the same.
func FuzzReader(f *testing.F) {
	for _, c := range spoken {
		f.Add([]byte(c.says), 3, 5)
	}
	f.Fuzz(func(t *testing.T, says []byte, piece, room int) {
		passed, taken := hear(t, says, len(says)+1, 1<<16)
		again, more := hear(t, says, 1+(piece&0x3f), 1+(room&0x3f))
		if passed != again || strings.Join(taken, "\x00") != strings.Join(more, "\x00") {
			t.Errorf("whole: %q and %q; in pieces: %q and %q", passed, taken, again, more)
		}
	})
}

func TestWhatIsPublishedAndWrittenKeepsItsOrder(t *testing.T) {
	var h tap.Hub
	s := &script{says: []byte("PONG\r\n"), piece: 100}
	c, err := h.InProcess(s).InProcessConn()
	if err != nil {
		t.Fatal(err)
	}
	if h.Publish("a", "", []byte("early")) {
		t.Error("published before there was a connection")
	}
	for _, say := range []string{"CONNECT {}\r\n", "PING\r\n"} {
		if _, err := io.WriteString(c, say); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := c.Read(make([]byte, 100)); err != nil {
		t.Fatal(err)
	}
	end := h.Subscribe("s", func(*nats.Msg) {})
	if !h.Publish("a", "r", []byte("x")) || !h.Publish("b", "", nil) {
		t.Error("not published")
	}
	if _, err := io.WriteString(c, "PUB c 0\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	end()
	for _, bad := range []string{"a b", "a\r\nPUB evil 0\r\n", "a\tb"} {
		if h.Publish(bad, "", nil) || h.Publish("a", bad, nil) {
			t.Errorf("published to %q", bad)
		}
	}
	want := "CONNECT {}\r\nPING\r\nSUB s L1\r\nPUB a r 1\r\nx\r\nPUB b 0\r\n\r\nPUB c 0\r\n\r\nUNSUB L1\r\n"
	if got := s.heard.String(); got != want {
		t.Errorf("the server heard %q, want %q", got, want)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if h.Publish("a", "", nil) {
		t.Error("published after the end")
	}
}
