package textual

import (
	"unicode"

	"github.com/abadojack/whatlanggo"
)

// cyrillic are letters that some of the languages in Cyrillic script never write. Trigrams of a sentence often fit two Slavic languages; these
// letters settle it.
var cyrillic = map[rune][]whatlanggo.Lang{
	'ы': {whatlanggo.Ukr, whatlanggo.Bul, whatlanggo.Srp, whatlanggo.Mkd}, 'э': {whatlanggo.Ukr, whatlanggo.Bul, whatlanggo.Srp, whatlanggo.Mkd},
	'ё': {whatlanggo.Ukr, whatlanggo.Bul, whatlanggo.Srp, whatlanggo.Mkd}, 'і': {whatlanggo.Rus, whatlanggo.Bul, whatlanggo.Srp, whatlanggo.Mkd},
	'ї': {whatlanggo.Rus, whatlanggo.Bel, whatlanggo.Bul, whatlanggo.Srp, whatlanggo.Mkd}, 'є': {whatlanggo.Rus, whatlanggo.Bel, whatlanggo.Bul, whatlanggo.Srp, whatlanggo.Mkd},
	'ў': {whatlanggo.Rus, whatlanggo.Ukr, whatlanggo.Bul, whatlanggo.Srp, whatlanggo.Mkd}, 'щ': {whatlanggo.Bel, whatlanggo.Srp, whatlanggo.Mkd},
	'ъ': {whatlanggo.Ukr, whatlanggo.Bel, whatlanggo.Srp, whatlanggo.Mkd}, 'й': {whatlanggo.Srp, whatlanggo.Mkd},
	'ј': {whatlanggo.Rus, whatlanggo.Ukr, whatlanggo.Bel, whatlanggo.Bul}, 'ћ': {whatlanggo.Rus, whatlanggo.Ukr, whatlanggo.Bel, whatlanggo.Bul, whatlanggo.Mkd},
}

// foreign is the share of letters, one in so many, from which a language that never writes them is left out: a quoted name does not do it.
const foreign = 100

// impossible are the languages that a sample cannot be in by its letters; nil for other scripts than Cyrillic.
func impossible(sample string) map[whatlanggo.Lang]bool {
	against := map[whatlanggo.Lang]int{}
	all := 0
	for _, r := range sample {
		if r < 'Ѐ' || r > 'ӿ' {
			continue
		}
		all++
		for _, l := range cyrillic[unicode.ToLower(r)] {
			against[l]++
		}
	}
	out := map[whatlanggo.Lang]bool{}
	for l, n := range against {
		if n*foreign >= all {
			out[l] = true
		}
	}
	return out
}
