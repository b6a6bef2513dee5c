package textual

import (
	"strings"
	"unicode/utf8"

	"github.com/abadojack/whatlanggo"
)

// Undetermined is the language of texts that have too few letters, or that two languages fit equally well (ISO 639-2's own code for it).
const Undetermined = "und"

// languageBytes is how much of a text is looked at. More changes few answers, and telling languages is the slowest of all measures.
const languageBytes = 600

// leastLetters of a text in an alphabet that many languages share; with fewer the answer would be a guess.
const leastLetters = 12

var languages = func() map[string]bool {
	all := map[string]bool{Undetermined: true}
	for l := range whatlanggo.Langs {
		all[languageCode(l)] = true
	}
	return all
}()

// KnowsLanguage says whether Language may answer with the code.
func KnowsLanguage(code string) bool { return languages[code] }

// languageCode is ISO 639-1's code where it has one, else ISO 639-3's.
func languageCode(l whatlanggo.Lang) string {
	if code := l.Iso6391(); code != "" {
		return code
	}
	return l.Iso6393()
}

// Language tells the language of a text by its script and its most frequent groups of three letters (Cavnar and Trenkle 1994), from 84
// languages, with a confidence of 0 to 1. It looks at the first 600 bytes from the first letter on. The answer is a property of the bytes alone.
func Language(text []byte) (code string, confidence float64) {
	sample := languageSample(text)
	if letters(sample) < leastLetters {
		return Undetermined, 0
	}
	found := whatlanggo.DetectWithOptions(sample, whatlanggo.Options{Blacklist: impossible(sample)})
	if found.Lang < 0 || found.Confidence <= 0 {
		return Undetermined, 0
	}
	return languageCode(found.Lang), found.Confidence
}

// languageSample is valid UTF-8, cut between characters.
func languageSample(text []byte) string {
	for len(text) > 0 && text[0] < utf8.RuneSelf && !isLetter(text[0]) {
		text = text[1:]
	}
	if len(text) > languageBytes {
		cut := languageBytes
		for cut > 0 && !utf8.RuneStart(text[cut]) {
			cut--
		}
		text = text[:cut]
	}
	return strings.ToValidUTF8(string(text), " ")
}

// letters counts letters of shared alphabets; a character of a script that few languages use says more than one.
func letters(sample string) int {
	n := 0
	for _, r := range sample {
		switch {
		case r < utf8.RuneSelf && !isLetter(byte(r)):
		case r >= 0x0E00 && classOf(r) == script:
			n += 4
		case classOf(r) == latin || classOf(r) == script:
			n++
		}
	}
	return n
}
