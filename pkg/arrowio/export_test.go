package arrowio

// LimitOffsets makes a column's 32-bit offsets reach over less, so that a test of what lies beyond needs no 2 GiB.
func LimitOffsets(c *ColumnBuilder, most int64) { c.most = most }
