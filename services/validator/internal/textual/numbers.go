package textual

// international reads "+", a country code, and digits grouped by single separators, 8 to 15 digits in all (E.164).
func international(text []byte, i int) int {
	if b := at(text, i+1); b < '1' || b > '9' || wordBytes[at(text, i-1)] {
		return 0
	}
	n, end, open := 0, 0, false
	for j := i + 1; n <= 15; j++ {
		switch b := at(text, j); {
		case isDigit(b):
			n++
			end = j + 1
			continue
		case b == '(' && !open:
			open = true
			continue
		case b == ')' && open:
			open = false
			continue
		case (b == ' ' || b == '-' || b == '.' || b == '/') && (end == j || text[j-1] == ')'):
			continue
		}
		break
	}
	if n < 8 || n > 15 || wordBytes[at(text, end)] {
		return 0
	}
	return end
}

// national reads (212) 555-0123, 212-555-0123 and 212.555.0123, where neither area nor exchange begins with 0 or 1.
func national(text []byte, i int) int {
	if b := at(text, i-1); (b == '-' || b == '.') && isDigit(at(text, i-2)) && (text[i-2] != '1' || wordBytes[at(text, i-3)]) {
		return 0 // the end of a longer number, unless it is the country code that comes before
	}
	j := i
	bracket := text[i] == '('
	if bracket {
		j++
	}
	if !group(text, j, 3) || text[j] < '2' {
		return 0
	}
	j += 3
	sep := at(text, j)
	if bracket {
		if sep != ')' {
			return 0
		}
		if j++; at(text, j) == ' ' {
			j++
		}
		sep = 0
	} else if sep != '-' && sep != '.' && sep != ' ' {
		return 0
	} else {
		j++
	}
	if !group(text, j, 3) || text[j] < '2' {
		return 0
	}
	j += 3
	if b := at(text, j); b != '-' && b != '.' && b != ' ' || sep != 0 && b != sep {
		return 0
	}
	if j++; !group(text, j, 4) || wordBytes[at(text, j+4)] {
		return 0
	}
	return j + 4
}

func group(text []byte, i, n int) bool {
	for k := range n {
		if !isDigit(at(text, i+k)) {
			return false
		}
	}
	return true
}

// card reads digits, alone or in groups parted by one kind of separator, and checks issuer, length and Luhn's sum.
func card(text []byte, i int) int {
	if b := text[i]; b < '2' || b > '6' || at(text, i-1) == '.' {
		return 0
	}
	var d [19]byte
	n, end := 0, i
	sep := byte(0)
	for j := i; ; j++ {
		b := at(text, j)
		if isDigit(b) {
			if n == len(d) {
				return 0
			}
			d[n] = b - '0'
			n++
			end = j + 1
			continue
		}
		if (b != ' ' && b != '-') || end != j || sep != 0 && b != sep || !isDigit(at(text, j+1)) {
			break
		}
		sep = b
	}
	if b := at(text, end); wordBytes[b] || b == '.' && isDigit(at(text, end+1)) || !issued(d[:n]) || !luhn(d[:n]) {
		return 0
	}
	return end
}

// issued knows the numbers of Visa, Mastercard, American Express, Discover, JCB and Diners Club.
func issued(d []byte) bool {
	if len(d) < 13 {
		return false
	}
	two, four := int(d[0])*10+int(d[1]), (int(d[0])*10+int(d[1]))*100+int(d[2])*10+int(d[3])
	switch {
	case d[0] == 4:
		return len(d) == 13 || len(d) == 16 || len(d) == 19
	case two == 34 || two == 37:
		return len(d) == 15
	case two == 36 || two == 38 || two == 39 || four/10 >= 300 && four/10 <= 305:
		return len(d) == 14 || len(d) == 16
	case two >= 51 && two <= 55 || four >= 2221 && four <= 2720:
		return len(d) == 16
	}
	return (two == 35 || four == 6011 || two == 65 || four/10 >= 644 && four/10 <= 649) && len(d) >= 16
}

func luhn(d []byte) bool {
	sum := 0
	for i := range d {
		v := int(d[len(d)-1-i])
		if i%2 == 1 {
			if v *= 2; v > 9 {
				v -= 9
			}
		}
		sum += v
	}
	return sum%10 == 0
}

// lengths of IBANs by country (the SWIFT registry).
var lengths = map[[2]byte]int{
	{'A', 'D'}: 24, {'A', 'E'}: 23, {'A', 'L'}: 28, {'A', 'T'}: 20, {'A', 'Z'}: 28, {'B', 'A'}: 20, {'B', 'E'}: 16, {'B', 'G'}: 22, {'B', 'H'}: 22, {'B', 'R'}: 29,
	{'C', 'H'}: 21, {'C', 'R'}: 22, {'C', 'Y'}: 28, {'C', 'Z'}: 24, {'D', 'E'}: 22, {'D', 'K'}: 18, {'D', 'O'}: 28, {'E', 'E'}: 20, {'E', 'G'}: 29, {'E', 'S'}: 24,
	{'F', 'I'}: 18, {'F', 'O'}: 18, {'F', 'R'}: 27, {'G', 'B'}: 22, {'G', 'E'}: 22, {'G', 'I'}: 23, {'G', 'L'}: 18, {'G', 'R'}: 27, {'G', 'T'}: 28, {'H', 'R'}: 21,
	{'H', 'U'}: 28, {'I', 'E'}: 22, {'I', 'L'}: 23, {'I', 'Q'}: 23, {'I', 'S'}: 26, {'I', 'T'}: 27, {'J', 'O'}: 30, {'K', 'W'}: 30, {'K', 'Z'}: 20, {'L', 'B'}: 28,
	{'L', 'I'}: 21, {'L', 'T'}: 20, {'L', 'U'}: 20, {'L', 'V'}: 21, {'M', 'C'}: 27, {'M', 'D'}: 24, {'M', 'E'}: 22, {'M', 'K'}: 19, {'M', 'R'}: 27, {'M', 'T'}: 31,
	{'M', 'U'}: 30, {'N', 'L'}: 18, {'N', 'O'}: 15, {'P', 'K'}: 24, {'P', 'L'}: 28, {'P', 'S'}: 29, {'P', 'T'}: 25, {'Q', 'A'}: 29, {'R', 'O'}: 24, {'R', 'S'}: 22,
	{'S', 'A'}: 24, {'S', 'E'}: 24, {'S', 'I'}: 19, {'S', 'K'}: 24, {'S', 'M'}: 27, {'T', 'N'}: 24, {'T', 'R'}: 26, {'U', 'A'}: 29, {'V', 'A'}: 22, {'X', 'K'}: 20,
}

// iban reads letters and digits, with single spaces between, up to the country's length, and checks ISO 7064 mod 97-10.
func iban(text []byte, i int) int {
	if !isUpper(text[i]) || !isUpper(at(text, i+1)) || !isDigit(at(text, i+2)) || !isDigit(at(text, i+3)) {
		return 0
	}
	want := lengths[[2]byte{text[i], text[i+1]}]
	if want == 0 {
		return 0
	}
	var c [34]byte
	n, j := 0, i
	for ; n < want; j++ {
		b := at(text, j)
		if b == ' ' && at(text, j-1) != ' ' {
			continue
		}
		if !isDigit(b) && !isUpper(b) {
			return 0
		}
		c[n] = b
		n++
	}
	if wordBytes[at(text, j)] || mod97(c[4:n], c[:4]) != 1 {
		return 0
	}
	return j
}

func mod97(parts ...[]byte) int {
	v := 0
	for _, p := range parts {
		for _, b := range p {
			if isDigit(b) {
				v = (v*10 + int(b-'0')) % 97
			} else {
				v = (v*100 + int(b-'A') + 10) % 97
			}
		}
	}
	return v
}
