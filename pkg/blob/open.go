package blob

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"gocloud.dev/blob"
	"gocloud.dev/blob/memblob"
)

// Open opens the store at a URL:
//
//	file:///dir            a directory (a path without scheme as well); ?create=0 wants it to be there, ?sync=0 does not wait for the disk
//	mem://                 memory of this process, new with every Open
//	s3://, gs://, azblob:// a bucket with gocloud's parameters, where the program links pkg/blob/cloud; prefix=a/ keeps to a part of it
//
// A directory's opening deletes what writers left there that died a day ago or longer.
func Open(ctx context.Context, address string) (*Store, error) {
	if !strings.Contains(address, "://") {
		return openPath(address)
	}
	u, err := url.Parse(address)
	if err != nil {
		return nil, errors.New("open the blob store: blob.url is not a URL (the text is not shown, it may hold a password)")
	}
	switch u.Scheme {
	case "file":
		return openFile(u)
	case memblob.Scheme:
		return &Store{address, bucket{memblob.OpenBucket(nil)}}, nil
	}
	if !blob.DefaultURLMux().ValidBucketScheme(u.Scheme) {
		return nil, unlinked(u)
	}
	b, err := blob.OpenBucket(ctx, address)
	if err != nil {
		return nil, fmt.Errorf("open the blob store %s: %w", u.Redacted(), err)
	}
	return &Store{u.Redacted(), bucket{b}}, nil
}

// Existing is the address of a store that has to be there already: a directory is not made by looking into it.
func Existing(address string) string {
	if !strings.Contains(address, "://") {
		if abs, err := filepath.Abs(address); err == nil && address != "" {
			address = (&url.URL{Scheme: "file", Path: filepath.ToSlash(abs)}).String()
		}
	}
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "file" {
		return address
	}
	q := u.Query()
	q.Set("create", "0")
	u.RawQuery = q.Encode()
	return u.String()
}

// unlinked says why a scheme is unknown here.
func unlinked(u *url.URL) error {
	switch u.Scheme {
	case "s3", "gs", "azblob":
		return fmt.Errorf("open the blob store %s: this program was built without %s; build it with `make build TAGS=cloud`, or name a directory (file:///dir)", u.Redacted(), u.Scheme)
	}
	return fmt.Errorf("open the blob store %s: %q is none of file, mem, s3, gs and azblob", u.Redacted(), u.Scheme)
}

func openPath(dir string) (*Store, error) {
	if dir == "" {
		return nil, errors.New("open the blob store: blob.url is empty; name a directory (file:///dir)")
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("open the blob store %s: %w", dir, err)
	}
	return openFile(&url.URL{Scheme: "file", Path: filepath.ToSlash(abs)})
}

func openFile(u *url.URL) (*Store, error) {
	o := map[string]bool{"create": true, "sync": true}
	for name, values := range u.Query() {
		on, err := strconv.ParseBool(values[0])
		if _, known := o[name]; !known || err != nil {
			return nil, fmt.Errorf("open the blob store %s: ?%s=%s is not understood; there are create=0|1 and sync=0|1", u, name, values[0])
		}
		o[name] = on
	}
	if u.Host != "" || u.Path == "" || u.Path == "/" {
		return nil, fmt.Errorf("open the blob store %s: it is file:// and then an absolute path below the root (three slashes)", u)
	}
	d, err := openDirectory(filepath.FromSlash(u.Path), o["create"], o["sync"])
	if err != nil {
		return nil, err
	}
	u.RawQuery = ""
	return &Store{u.String(), d}, nil
}

// full says whether an error means that there is no room.
func full(err error) bool { return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) }
