package textual

// Kind of personal data or secret.
type Kind uint8

// Kinds that Find knows. Each is checked as far as its own structure allows, since a false alarm costs a good document.
const (
	Email Kind = iota // a local part, and a domain of valid labels that ends in letters
	IPv4              // a public address: none that is private, reserved or for documentation
	IPv6              // a global unicast address that is not for documentation
	Phone             // international with +, 8 to 15 digits; or North American, grouped
	Card              // 13 to 19 digits of a known issuer whose Luhn sum is right
	IBAN              // of a known country, of its length, with the right check digits (mod 97)
	Key               // keys of well-known services, private keys in PEM, JSON web tokens
	kinds
)

// String is the kind's name in reports.
func (k Kind) String() string {
	return [...]string{"email", "ipv4", "ipv6", "phone", "card", "iban", "key"}[k]
}

// Counts are findings by kind, and the bytes that they cover.
type Counts struct {
	Of    [kinds]int
	Bytes int
}

// finder says where a finding ends that begins at i, or 0. It may look at what is before i.
type finder func(text []byte, i int) (end int)

// Find calls f with each finding in the order of the text, without overlaps, until f says false.
func Find(text []byte, f func(k Kind, from, to int) bool) {
	after := 0
	for i := 0; i < len(text); i++ {
		k, from, to, ok := find(text, i, after)
		if !ok {
			continue
		}
		if !f(k, from, to) {
			return
		}
		after = to
		i = to - 1
	}
}

// Count is Find, counted.
func Count(text []byte) Counts {
	var c Counts
	Find(text, func(k Kind, from, to int) bool {
		c.Of[k]++
		c.Bytes += to - from
		return true
	})
	return c
}

// trigger says at which bytes find looks closer.
var trigger = func() (t [256]uint8) {
	for _, c := range []byte("0123456789") {
		t[c] = trigDigit
	}
	for c := 'A'; c <= 'Z'; c++ {
		t[c] = trigLetter
	}
	for _, c := range []byte("eghnrsx-") { // where keys begin
		t[c] = trigLetter
	}
	t['@'], t['+'], t['('] = trigAt, trigPlus, trigDigit
	return t
}()

const (
	trigAt = 1 + iota
	trigPlus
	trigDigit
	trigLetter
)

func find(text []byte, i, after int) (k Kind, from, to int, ok bool) {
	t := trigger[text[i]]
	if t == 0 {
		return 0, 0, 0, false
	}
	if t == trigAt {
		from, to = email(text, i, after)
		return Email, from, to, to > 0
	}
	if i > 0 && wordBytes[text[i-1]] && text[i] != '+' && text[i] != '(' {
		return 0, 0, 0, false // not at the start of a word
	}
	switch t {
	case trigPlus:
		to = international(text, i)
		return Phone, i, to, to > 0
	case trigDigit:
		return number(text, i)
	}
	if to = key(text, i); to > 0 {
		return Key, i, to, true
	}
	to = iban(text, i)
	return IBAN, i, to, to > 0
}

// number tries what begins with a digit, or with a parenthesis before one.
func number(text []byte, i int) (k Kind, from, to int, ok bool) {
	for _, c := range [...]struct {
		kind Kind
		find finder
	}{{IPv4, ipv4}, {Card, card}, {Phone, national}, {IPv6, ipv6}} {
		if to = c.find(text, i); to > 0 {
			return c.kind, i, to, true
		}
	}
	return 0, 0, 0, false
}

func isDigit(b byte) bool { return '0' <= b && b <= '9' }

func isUpper(b byte) bool { return 'A' <= b && b <= 'Z' }

func isLetter(b byte) bool { return 'a' <= b|0x20 && b|0x20 <= 'z' }

// at is a byte of the text, or 0 outside.
func at(text []byte, i int) byte {
	if i < 0 || i >= len(text) {
		return 0
	}
	return text[i]
}
