package conf

import (
	"encoding"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// setText sets a value from one word of text; its error shows an accepted form and, through safe, no secret.
func setText(v reflect.Value, text string) error {
	if v.Type() == durationType {
		d, err := time.ParseDuration(text)
		if err != nil {
			return fmt.Errorf("%q is not a duration such as 500ms, 30s or 5m", text)
		}
		v.SetInt(int64(d))
		return nil
	}
	if isText(v.Type()) {
		return v.Addr().Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(text))
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
	case reflect.Bool:
		if text != "true" && text != "false" {
			return fmt.Errorf("%q is neither true nor false", text)
		}
		v.SetBool(text == "true")
	case reflect.Slice:
		return setList(v, text)
	case reflect.Map:
		return setPairs(v, text)
	default:
		return setNumber(v, text)
	}
	return nil
}

func setNumber(v reflect.Value, text string) error {
	bits := v.Type().Bits()
	switch {
	case v.CanInt():
		n, err := strconv.ParseInt(text, 10, bits)
		if err != nil {
			return fmt.Errorf("%q is not a whole number of %d bits", text, bits)
		}
		v.SetInt(n)
	case v.CanUint():
		n, err := strconv.ParseUint(text, 10, bits)
		if err != nil {
			return fmt.Errorf("%q is not a whole number ≥ 0 of %d bits", text, bits)
		}
		v.SetUint(n)
	case v.CanFloat():
		f, err := strconv.ParseFloat(text, bits)
		if err != nil {
			return fmt.Errorf("%q is not a number", text)
		}
		v.SetFloat(f)
	default:
		return fmt.Errorf("can only be set in the YAML file")
	}
	return nil
}

// setList replaces a slice by the comma-separated words; an empty text is an empty list.
func setList(v reflect.Value, text string) error {
	list := reflect.MakeSlice(v.Type(), 0, 1+strings.Count(text, ","))
	if text != "" {
		for word := range strings.SplitSeq(text, ",") {
			e := reflect.New(v.Type().Elem()).Elem()
			if err := setText(e, strings.TrimSpace(word)); err != nil {
				return err
			}
			list = reflect.Append(list, e)
		}
	}
	v.Set(list)
	return nil
}

// setPairs replaces a map by the comma-separated k=v pairs; an empty text is an empty map.
func setPairs(v reflect.Value, text string) error {
	pairs := reflect.MakeMap(v.Type())
	if text != "" {
		for pair := range strings.SplitSeq(text, ",") {
			key, word, ok := strings.Cut(pair, "=")
			if !ok || strings.TrimSpace(key) == "" {
				return fmt.Errorf("%q is not of the form key=value", pair)
			}
			e := reflect.New(v.Type().Elem()).Elem()
			if err := setText(e, strings.TrimSpace(word)); err != nil {
				return err
			}
			pairs.SetMapIndex(reflect.ValueOf(strings.TrimSpace(key)).Convert(v.Type().Key()), e)
		}
	}
	v.Set(pairs)
	return nil
}

// text is the inverse of setText for one scalar.
func text(v reflect.Value) string {
	if v.Type() == durationType {
		return duration(time.Duration(v.Int()))
	}
	if m, ok := asMarshaler(v); ok {
		if b, err := m.MarshalText(); err == nil {
			return string(b)
		}
	}
	switch {
	case v.Kind() == reflect.String:
		return v.String()
	case v.Kind() == reflect.Bool:
		return strconv.FormatBool(v.Bool())
	case v.CanInt():
		return strconv.FormatInt(v.Int(), 10)
	case v.CanUint():
		return strconv.FormatUint(v.Uint(), 10)
	case v.CanFloat():
		return strconv.FormatFloat(v.Float(), 'g', -1, v.Type().Bits())
	}
	return fmt.Sprint(v.Interface())
}

func asMarshaler(v reflect.Value) (encoding.TextMarshaler, bool) {
	if m, ok := v.Interface().(encoding.TextMarshaler); ok {
		return m, true
	}
	if v.CanAddr() {
		m, ok := v.Addr().Interface().(encoding.TextMarshaler)
		return m, ok
	}
	return nil, false
}

// duration drops the zero units that time.Duration.String prints: 5m0s is 5m.
func duration(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// inline is a setting's value on one line, for help texts and errors.
func inline(v reflect.Value) string {
	switch {
	case isScalar(v.Type()):
		return text(v)
	case v.Kind() == reflect.Slice && isScalar(v.Type().Elem()):
		words := make([]string, v.Len())
		for i := range words {
			words[i] = text(v.Index(i))
		}
		return strings.Join(words, ",")
	case v.Len() == 0:
		return ""
	}
	return fmt.Sprintf("%d entries", v.Len())
}
