package validator

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// most is how many rows may be in quarantine.
type most struct {
	rows  int64
	share float64 // of all rows, in percent
	part  bool    // the share counts
}

// readMost reads a number of rows, or a share with a percent sign.
func readMost(data []byte) (*most, error) {
	bad := fmt.Errorf("%.100s is neither a number of rows such as 500 nor a share such as \"2%%\"", data)
	var text string
	if json.Unmarshal(data, &text) != nil {
		m := &most{}
		if json.Unmarshal(data, &m.rows) != nil || m.rows < 0 {
			return nil, bad
		}
		return m, nil
	}
	number, percent := strings.CutSuffix(text, "%")
	share, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	if err != nil || !percent || !(share >= 0 && share <= 100) { // not: share < 0 || share > 100, which NaN passes
		return nil, bad
	}
	return &most{share: share, part: true}, nil
}

// of is how many of so many rows that is. A share that is a whole number of rows but for rounding is that number: 29 % of 100 rows are 29.
func (m *most) of(rows int64) int64 {
	if !m.part {
		return m.rows
	}
	exact := m.share / 100 * float64(rows)
	if near := math.Round(exact); math.Abs(exact-near) <= 1e-9*near {
		return int64(near)
	}
	return int64(exact)
}
