package blob

import "os"

// WritesTo makes a directory's store write its unfinished objects to f in place of new files.
func WritesTo(s *Store, f func(string) (*os.File, error)) { s.driver.(*directory).create = f }
