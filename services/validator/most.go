package validator

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// most is how many rows may be in quarantine.
type most struct {
	rows  int64
	share float64 // of all rows, from 0 to 1
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
	return &most{share: share / 100, part: true}, nil
}

// of is how many of so many rows that is.
func (m *most) of(rows int64) int64 {
	if m.part {
		return int64(m.share * float64(rows))
	}
	return m.rows
}
