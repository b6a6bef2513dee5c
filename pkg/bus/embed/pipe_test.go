package embed

import (
	"bytes"
	"io"
	"net"
	"testing"
	"time"

	"golang.org/x/net/nettest"
)

func TestAPipeIsAConnection(t *testing.T) {
	nettest.TestConn(t, func() (a, b net.Conn, stop func(), err error) {
		a, b = pipe()
		return a, b, func() { a.Close(); b.Close() }, nil
	})
}

// A writer does not wait for its reader until a socket's worth is unread, and what was written arrives after Close.
func TestAPipeHoldsWhatWasWritten(t *testing.T) {
	a, b := pipe()
	sent := bytes.Repeat([]byte("0123456789abcdef"), pipeSize/16)
	if n, err := a.Write(sent); n != len(sent) || err != nil {
		t.Fatal(n, err)
	}
	if err := a.SetWriteDeadline(time.Now().Add(10 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if n, err := a.Write([]byte("x")); n != 0 || err == nil {
		t.Fatalf("%d bytes more, %v", n, err)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(b)
	if err != nil || !bytes.Equal(got, sent) {
		t.Fatalf("read %d bytes, %v", len(got), err)
	}
}
