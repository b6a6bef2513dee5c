package bench

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"
)

// transport makes lanes. Both implementations (socket and net/http) are used by the same loops.
type transport interface {
	// lane is one sequential user of the endpoint; its connection is kept alive between requests.
	lane() lane
}

// lane sends one request at a time. It is not safe for concurrent use.
type lane interface {
	// post sends a body and returns when the response head is in. The deadline holds for the whole answer. The reply
	// is valid until the next call of post or close.
	post(ctx context.Context, body []byte, deadline time.Time) (reply, error)
	close()
}

// reply is a response whose body is still to be read.
type reply struct {
	status     int
	retryAfter string
	stream     bool // the body is server-sent events
	body       bodyReader
}

// bodyReader hands out the body in pieces.
type bodyReader interface {
	// next returns the next piece and when it was read from the network. The slice is valid until the next call.
	// io.EOF follows the last piece; errCut says that the connection ended before the body did.
	next() (piece []byte, at time.Time, err error)
	// done gives the body back: read to its end it keeps the connection, otherwise it closes it.
	done()
}

// The failures of a transport, by what the user of the report can do about them.
var (
	errConnect  = errors.New("connect")
	errTimeout  = errors.New("timeout")
	errCut      = errors.New("connection cut")
	errProtocol = errors.New("not valid HTTP")
)

// networkError puts an error of the standard library into one of the classes above; before a head was read, and while
// dialling, the caller wraps errConnect itself.
func networkError(err error) error {
	var timeout net.Error
	switch {
	case errors.Is(err, errConnect), errors.Is(err, errTimeout), errors.Is(err, errCut), errors.Is(err, errProtocol):
		return err
	case errors.Is(err, context.Canceled):
		return err
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded),
		errors.As(err, &timeout) && timeout.Timeout():
		return fmt.Errorf("%w: %w", errTimeout, err)
	default:
		return fmt.Errorf("%w: %w", errCut, err)
	}
}

// newTransport picks the client: the socket client for http://, net/http for https:// or where the user asked for it.
func newTransport(cfg Config, target target, header http.Header) transport {
	if target.url.Scheme == "https" || cfg.Client == ClientNetHTTP {
		return newHTTPTransport(target, header)
	}
	return newSocketTransport(target, header)
}
