// Package sample picks tokens from logits and computes log-probabilities, deterministically: the same logits, request
// and position give the same token and the same bits, whatever else runs.
//
// It knows nothing of batches, models or text. Nothing here is safe for concurrent use on one value.
package sample

import "math"

// LogSumExp returns the row's maximum and the natural logarithm of Σ exp(x−max), summed in index order in float64.
// The log-probability of token t is (float64(row[t]) − max) − logSum. Row must not be empty.
func LogSumExp(row []float32) (maximum, logSum float64) {
	m := float64(row[ArgMax(row)])
	var sum float64
	for _, x := range row {
		sum += math.Exp(float64(x) - m)
	}
	return m, math.Log(sum)
}

// ArgMax returns the index of the largest value, the lowest such index on ties, and 0 where all values are NaN.
func ArgMax(row []float32) int {
	// Four running maxima: the loop is bound by the compare's latency otherwise.
	best := math.Inf(-1)
	var m [4]float32
	for k := range m {
		m[k] = float32(best)
	}
	i := 0
	for ; i+4 <= len(row); i += 4 {
		q := row[i : i+4 : i+4]
		if q[0] > m[0] {
			m[0] = q[0]
		}
		if q[1] > m[1] {
			m[1] = q[1]
		}
		if q[2] > m[2] {
			m[2] = q[2]
		}
		if q[3] > m[3] {
			m[3] = q[3]
		}
	}
	top := max(m[0], m[1], m[2], m[3])
	for ; i < len(row); i++ {
		if row[i] > top {
			top = row[i]
		}
	}
	for i, x := range row {
		if x == top {
			return i
		}
	}
	return 0
}

// Candidate is a token with its logit or probability.
type Candidate struct {
	ID int32
	X  float64
}

// before orders candidates: larger first, then the lower id.
func before(a, b Candidate) bool { return a.X > b.X || a.X == b.X && a.ID < b.ID }

// Top returns the n largest values of row in falling order, ties by rising id. It is meant for small n.
func Top(row []float32, n int) []Candidate {
	n = min(n, len(row))
	if n <= 0 {
		return nil
	}
	top := make([]Candidate, 0, n)
	floor := float32(math.Inf(-1))
	for id, x := range row {
		if len(top) == n && x <= floor {
			continue
		}
		c := Candidate{ID: int32(id), X: float64(x)}
		i := len(top)
		if i == n {
			i--
		} else {
			top = append(top, c)
		}
		for ; i > 0 && before(c, top[i-1]); i-- {
			top[i] = top[i-1]
		}
		top[i] = c
		if len(top) == n {
			floor = float32(top[n-1].X)
		}
	}
	return top
}
