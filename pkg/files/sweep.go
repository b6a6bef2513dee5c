package files

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// abandoned is how old what nobody committed must be before it is taken for the remains of a process that died.
const abandoned = time.Hour

// Sweep deletes the files whose time is over at now, and what uploads left behind that never ended. It returns how many
// of each. Call it now and then, from any process.
func (s *Store) Sweep(ctx context.Context, now time.Time) (expired, remains int, err error) {
	var dead []string
	alive := map[string]bool{}
	if err := s.each(ctx, func(f File, visible bool, info *jetstream.ObjectInfo) {
		alive[info.NUID] = true
		switch {
		case visible && f.expired(now):
			dead, expired = append(dead, info.Name), expired+1
		case !visible && now.Sub(info.ModTime) > abandoned:
			dead, remains = append(dead, info.Name), remains+1
		}
	}); err != nil {
		return 0, 0, err
	}
	for _, name := range dead {
		if err := s.with(ctx, func(o jetstream.ObjectStore) error { return o.Delete(ctx, name) }); err != nil && !errors.Is(err, ErrNotFound) {
			return expired, remains, fmt.Errorf("delete %s: %w", name, err)
		}
	}
	n, err := s.sweepChunks(ctx, now, alive)
	return expired, remains + n, err
}

// sweepChunks deletes chunks that belong to no object: what a writer that died had stored before the object was made.
func (s *Store) sweepChunks(ctx context.Context, now time.Time, alive map[string]bool) (n int, err error) {
	stream, err := s.bus.JetStream().Stream(ctx, "OBJ_"+Bucket)
	if err != nil {
		return 0, fmt.Errorf("open stream of %s: %w", Bucket, err)
	}
	chunks := "$O." + Bucket + ".C."
	info, err := stream.Info(ctx, jetstream.WithSubjectFilter(chunks+">"))
	if err != nil {
		return 0, fmt.Errorf("list chunks of %s: %w", Bucket, err)
	}
	for subject := range info.State.Subjects {
		if alive[strings.TrimPrefix(subject, chunks)] {
			continue
		}
		last, err := stream.GetLastMsgForSubject(ctx, subject)
		if err != nil || now.Sub(last.Time) < abandoned {
			continue // gone meanwhile, or still being written
		}
		if err := stream.Purge(ctx, jetstream.WithPurgeSubject(subject)); err != nil {
			return n, fmt.Errorf("purge %s: %w", subject, err)
		}
		n++
	}
	return n, nil
}
