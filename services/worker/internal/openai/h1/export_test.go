package h1

import (
	"context"
	"net"
	"time"
)

// Over makes one GET over a connection.
func Over(nc net.Conn, host string) (*Response, error) {
	c := New(Config{Host: host, MaxIdle: 0, IdleFor: time.Minute})
	return newConn(c, nc).do(context.Background(), &Request{Method: "GET", Path: "/"})
}
