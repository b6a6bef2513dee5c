//go:build !386 && !s390x

package h1

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

const canFollow = true

// watcher follows answers: an epoll instance of its own, which the runtime's poller waits for. It lives as long as it
// has something to follow.
type watcher struct {
	ep   int
	file *os.File // ep, so that the runtime waits
	raw  syscall.RawConn

	mu   sync.Mutex
	all  map[int32]*followed // by file descriptor
	work func(batch func())  // brackets a batch of steps
	due  [events]*followed   // of the batch in hand, nil where nobody follows any more
}

// A crowd is read in turns: what comes within a turn costs one wake-up together, here and at whoever gets the frame.
const (
	crowd  = 32
	turn   = time.Millisecond
	throng = 256 // from here on, turns are twice as long
	events = 512
)

func newWatcher(bracket func(func())) (*watcher, error) {
	ep, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	if err := syscall.SetNonblock(ep, true); err != nil {
		return nil, errors.Join(os.NewSyscallError("fcntl", err), syscall.Close(ep))
	}
	w := &watcher{ep: ep, file: os.NewFile(uintptr(ep), "epoll"), all: map[int32]*followed{}, work: bracket}
	if w.raw, err = w.file.SyscallConn(); err != nil {
		return nil, errors.Join(err, w.file.Close())
	}
	go w.run()
	return w, nil
}

func (w *watcher) add(f *followed) error {
	fd := f.conn.fd
	w.mu.Lock()
	w.all[int32(fd)] = f
	w.mu.Unlock()
	const edge = 1 << 31 // syscall.EPOLLET does not fit its own type
	e := syscall.EpollEvent{Events: syscall.EPOLLIN | syscall.EPOLLRDHUP | edge, Fd: int32(fd)}
	if err := syscall.EpollCtl(w.ep, syscall.EPOLL_CTL_ADD, fd, &e); err != nil {
		w.forget(f)
		return os.NewSyscallError("epoll_ctl", err)
	}
	return nil
}

func (w *watcher) remove(f *followed) {
	_ = syscall.EpollCtl(w.ep, syscall.EPOLL_CTL_DEL, f.conn.fd, &syscall.EpollEvent{}) // fails only if it was never there
	w.forget(f)
}

func (w *watcher) forget(f *followed) {
	w.mu.Lock()
	delete(w.all, int32(f.conn.fd))
	w.mu.Unlock()
}

// close ends the watcher; nothing may be followed any more.
func (w *watcher) close() { _ = w.file.Close() }

func (w *watcher) run() {
	var list [events]syscall.EpollEvent
	n := 0
	wait := func(uintptr) bool {
		n, _ = syscall.EpollWait(w.ep, list[:], 0) // an interrupted one is made again
		return n > 0
	}
	for {
		if err := w.raw.Read(wait); err != nil {
			return // closed
		}
		began := time.Now()
		w.work(func() { w.batch(list[:n]) })
		if n < events {
			time.Sleep(w.turn() - time.Since(began))
		}
	}
}

func (w *watcher) batch(list []syscall.EpollEvent) {
	w.mu.Lock()
	for i := range list {
		w.due[i] = w.all[list[i].Fd]
	}
	w.mu.Unlock()
	for i, f := range w.due[:len(list)] {
		w.due[i] = nil
		if f != nil {
			f.arrived(list[i].Events&(syscall.EPOLLRDHUP|syscall.EPOLLHUP|syscall.EPOLLERR) != 0)
		}
	}
}

// turn is how long what comes is left to gather.
func (w *watcher) turn() time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch n := len(w.all); {
	case n <= crowd:
		return 0
	case n <= throng:
		return turn
	}
	return 2 * turn
}

// detach takes the socket from the runtime's poller, which would be woken for every token in vain.
func (cn *conn) detach() error {
	fd := -1
	var err error
	cerr := cn.raw.Control(func(s uintptr) {
		var r uintptr
		var errno syscall.Errno
		if r, _, errno = syscall.Syscall(syscall.SYS_FCNTL, s, syscall.F_DUPFD_CLOEXEC, 0); errno != 0 {
			err = os.NewSyscallError("fcntl", errno)
			return
		}
		fd = int(r)
	})
	if err = errors.Join(cerr, err); err != nil {
		return err
	}
	cn.fd = fd
	return cn.nc.Close()
}

// attach gives a detached socket back to the runtime's poller, for the connection's next call.
func (cn *conn) attach() error {
	f := os.NewFile(uintptr(cn.fd), "")
	cn.fd, cn.now = -1, false
	nc, err := net.FileConn(f) // which duplicates it
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	sc, ok := nc.(syscall.Conn)
	if !ok {
		return errors.Join(errors.New("not a socket"), nc.Close())
	}
	cn.nc = nc
	cn.raw, err = sc.SyscallConn()
	return err
}

// cut closes a detached socket.
func (cn *conn) cut() {
	_ = syscall.Close(cn.fd) // the only owner gives it up
	cn.fd, cn.now = -1, false
}

// readNow reads what has come. A read that does not fill p found the socket's end: it is not asked again before more
// is announced.
func (cn *conn) readNow(p []byte) (int, error) {
	if cn.drained || cn.fd < 0 {
		return 0, ErrAgain
	}
	for {
		n, _, errno := recv(cn.fd, p)
		switch {
		case errno == syscall.EINTR:
			continue
		case errno == syscall.EAGAIN:
			cn.drained = true
			return 0, ErrAgain
		case errno != 0:
			return 0, os.NewSyscallError("recv", errno)
		case n == 0:
			return 0, io.EOF
		}
		cn.drained = n < len(p) && !cn.closing
		return n, nil
	}
}
