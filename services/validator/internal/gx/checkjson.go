package gx

import "github.com/leathq/leat/services/validator/internal/pyjson"

// jsonParseable passes texts that json.loads reads; values of other types never are.
func jsonParseable(b *builder) error {
	return b.one(func(v *view, rows mask) (mask, error) {
		good := make(mask, words(v.n))
		if !v.spelt() {
			return good, nil
		}
		s := v.texts()
		rows.each(v.n, func(i int) bool {
			if pyjson.Check(s.At(i)) == nil {
				good.set(i)
			}
			return true
		})
		return good, nil
	})
}
