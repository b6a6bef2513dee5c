package gx

import (
	"math"
	"math/big"
	"strconv"
	"strings"
)

// toFloat is float() of pydantic: numbers, booleans, and text that Python's float reads.
func toFloat(v any) (float64, bool) {
	switch v := v.(type) {
	case string:
		f, err := strconv.ParseFloat(strings.ReplaceAll(strings.TrimSpace(v), "_", ""), 64)
		if err != nil && !math.IsInf(f, 0) || strings.ContainsAny(v, "xXpP") {
			return 0, false
		}
		return f, true
	case nil:
		return 0, false
	}
	return numberOf(v)
}

// toInt is int() of pydantic: it cuts floats.
func toInt(v any) (int64, bool) {
	switch v := v.(type) {
	case int64:
		return v, true
	case bool:
		return int64(bit(v)), true
	case float64:
		if math.IsNaN(v) || math.Abs(v) >= 1<<63 {
			return 0, false
		}
		return int64(v), true
	case *big.Int:
		return 0, false
	case string:
		n, err := strconv.ParseInt(strings.TrimSpace(v), 10, 64)
		return n, err == nil
	}
	return 0, false
}

// toBool is pydantic's reading of a flag.
func toBool(v any) (bool, bool) {
	switch v := v.(type) {
	case bool:
		return v, true
	case int64:
		return v == 1, v == 0 || v == 1
	case float64:
		return v == 1, v == 0 || v == 1
	case string:
		switch strings.ToLower(v) {
		case "1", "on", "t", "true", "y", "yes":
			return true, true
		case "0", "off", "f", "false", "n", "no":
			return false, true
		}
	}
	return false, false
}
