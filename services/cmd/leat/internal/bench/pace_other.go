//go:build !linux

package bench

import (
	"context"
	"time"
)

// sleepUntil waits for a time as precisely as Go's timers do; false when ctx ended.
func sleepUntil(ctx context.Context, t time.Time) bool { return pause(ctx, time.Until(t)) }
