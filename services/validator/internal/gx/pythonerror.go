package gx

import "fmt"

// pythonError is an error in the words that Great Expectations or pandas has for it, so that results read alike.
type pythonError string

func (e pythonError) Error() string { return string(e) }

func pythonErrorf(format string, args ...any) error { return pythonError(fmt.Sprintf(format, args...)) }
