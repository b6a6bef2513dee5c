package host

import (
	"context"
	"fmt"
	"net/http"

	"google.golang.org/grpc"
)

// Service is one of the services of a process. Its constructor opens nothing. Register is called once, before any call
// arrives. Run works until ctx ends, then drains and returns nil; returning earlier, an error or a panic stops the
// whole process. A service may further have these methods:
//
//	Name() string           // in logs, errors and health; otherwise its type's name
//	HTTP() http.Handler     // mounted at / of the HTTP listener; at most one service of a process
//	Ready() error           // why it cannot take work now, or nil; called often, must not block
//	Banner() []string       // lines to print at start: what it does, where, how durable
type Service interface {
	Register(grpc.ServiceRegistrar)
	Run(ctx context.Context) error
}

type (
	named    interface{ Name() string }
	faced    interface{ HTTP() http.Handler }
	readied  interface{ Ready() error }
	bannered interface{ Banner() []string }
)

func nameOf(s Service) string {
	if n, ok := s.(named); ok {
		return n.Name()
	}
	return fmt.Sprintf("%T", s)
}
