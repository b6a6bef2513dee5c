//go:build !linux || 386 || s390x

package h1

import "errors"

const canFollow = false

// watcher exists on Linux only; elsewhere answers are read by waiting.
type watcher struct{}

func newWatcher(func(func())) (*watcher, error) { return nil, errors.ErrUnsupported }

func (*watcher) add(*followed) error { return errors.ErrUnsupported }
func (*watcher) remove(*followed)    {}
func (*watcher) close()              {}

func (*conn) detach() error               { return errors.ErrUnsupported }
func (*conn) attach() error               { return errors.ErrUnsupported }
func (*conn) cut()                        {}
func (*conn) readNow([]byte) (int, error) { return 0, errors.ErrUnsupported }
