package textual

import "bytes"

// issuedKeys are beginnings of keys, and the least number of key characters that follow.
var issuedKeys = []struct {
	prefix []byte
	least  int
}{
	{[]byte("AKIA"), 16}, {[]byte("ASIA"), 16}, {[]byte("AIza"), 35},
	{[]byte("ghp_"), 36}, {[]byte("gho_"), 36}, {[]byte("ghs_"), 36}, {[]byte("ghu_"), 36}, {[]byte("github_pat_"), 40}, {[]byte("glpat-"), 20},
	{[]byte("sk-"), 32}, {[]byte("sk_live_"), 24}, {[]byte("rk_live_"), 24}, {[]byte("xoxb-"), 24}, {[]byte("xoxp-"), 24}, {[]byte("xapp-"), 24},
	{[]byte("npm_"), 36}, {[]byte("hf_"), 34},
}

func keyByte(b byte) bool { return isDigit(b) || isLetter(b) || b == '_' || b == '-' }

func keyRun(text []byte, i int) int {
	n := 0
	for keyByte(at(text, i+n)) {
		n++
	}
	return n
}

// key reads a key of a known service, a private key's header line, or a JSON web token.
func key(text []byte, i int) int {
	rest := text[i:]
	switch {
	case bytes.HasPrefix(rest, []byte("eyJ")):
		return token(text, i)
	case bytes.HasPrefix(rest, []byte("-----BEGIN ")):
		return privateKey(text, i)
	}
	for _, k := range issuedKeys {
		if k.prefix[0] != rest[0] || !bytes.HasPrefix(rest, k.prefix) {
			continue
		}
		if n := keyRun(text, i+len(k.prefix)); n >= k.least && n <= 255 && mixed(rest[len(k.prefix):len(k.prefix)+n]) {
			return i + len(k.prefix) + n
		}
	}
	return 0
}

// mixed is false for words in a row, which a key is not.
func mixed(b []byte) bool {
	return bytes.ContainsAny(b, "0123456789")
}

// token reads three parts of base64, of which the first two are objects.
func token(text []byte, i int) int {
	j := i
	for part := range 3 {
		n := keyRun(text, j)
		if n < 10 || part == 1 && !bytes.HasPrefix(text[j:], []byte("eyJ")) {
			return 0
		}
		j += n
		if part < 2 {
			if at(text, j) != '.' {
				return 0
			}
			j++
		}
	}
	return j
}

// privateKey covers the block up to its end line; where that is missing, as in a text that was cut, the header and the lines of the key behind it.
func privateKey(text []byte, i int) int {
	line := text[i:min(len(text), i+64)]
	at := bytes.Index(line, []byte("PRIVATE KEY-----"))
	if at < 0 {
		return 0
	}
	header := i + at + len("PRIVATE KEY-----")
	block := text[header:min(len(text), header+16<<10)]
	if end := bytes.Index(block, []byte("PRIVATE KEY-----")); end >= 0 {
		return header + end + len("PRIVATE KEY-----")
	}
	return header + keyLines(block)
}

// leastLine is how many characters of base64 in a row are a line of a key: more than words have.
const leastLine = 20

// keyLines is how much of a text's beginning is lines of base64, with the ends of lines between them as they are or as JSON has them.
func keyLines(text []byte) int {
	end := 0
	for i := 0; ; {
		for i < len(text) && (text[i] == ' ' || text[i] == '\r' || text[i] == '\n' || text[i] == '\\' || i > 0 && text[i-1] == '\\' && (text[i] == 'n' || text[i] == 'r')) {
			i++
		}
		from := i
		for i < len(text) && (isDigit(text[i]) || isLetter(text[i]) || text[i] == '+' || text[i] == '/' || text[i] == '=') {
			i++
		}
		if i-from < leastLine {
			return end
		}
		end = i
	}
}
