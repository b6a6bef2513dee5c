package jobs

import (
	"context"
	"time"
)

// Overdue looks after JOBS as whoever it belongs to does at a time.
func (c *Client) Overdue(ctx context.Context, now time.Time) error { return c.overdue(ctx, now) }
