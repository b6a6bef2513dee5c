package textual

import (
	"net/netip"
	"strings"
	"unsafe"
)

func localByte(b byte) bool {
	return isDigit(b) || isLetter(b) || strings.IndexByte("._%+-", b) >= 0
}

// email reads outwards from the @ at i.
func email(text []byte, i, after int) (from, to int) {
	from = i
	for from > after && localByte(text[from-1]) {
		from--
	}
	for from < i && text[from] == '.' {
		from++
	}
	if from == i || i-from > 64 || text[i-1] == '.' {
		return 0, 0
	}
	end := i + 1
	lastDot, labels := 0, 0
	for j := end; ; j++ {
		b := at(text, j)
		switch {
		case isDigit(b), isLetter(b):
			end = j + 1
			continue
		case b == '-' && j > i+1 && text[j-1] != '.':
			continue
		case b == '.' && end == j && j > i+1:
			if n := tld(text, j+1); n > 0 {
				lastDot = j + 1 + n
			}
			labels++
			continue
		}
		break
	}
	if labels == 0 || lastDot == 0 {
		return 0, 0
	}
	return from, lastDot
}

// tld is the length of letters from a place on, at least two, that end a domain or go on behind a dot.
func tld(text []byte, i int) int {
	n := 0
	for isLetter(at(text, i+n)) {
		n++
	}
	if b := at(text, i+n); n < 2 || isDigit(b) || b == '-' && (isLetter(at(text, i+n+1)) || isDigit(at(text, i+n+1))) {
		return 0
	}
	return n
}

// reserved are address blocks that are nobody's (RFC 6890).
var reserved = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("192.0.0.0/24"), netip.MustParsePrefix("192.0.2.0/24"),
	netip.MustParsePrefix("198.18.0.0/15"), netip.MustParsePrefix("198.51.100.0/24"), netip.MustParsePrefix("203.0.113.0/24"), netip.MustParsePrefix("240.0.0.0/4"),
	netip.MustParsePrefix("2001:db8::/32"), netip.MustParsePrefix("2001::/23"),
}

func public(a netip.Addr) bool {
	if !a.IsGlobalUnicast() || a.IsPrivate() {
		return false
	}
	for _, p := range reserved {
		if p.Contains(a) {
			return false
		}
	}
	return true
}

func ipv4(text []byte, i int) int {
	if at(text, i-1) == '.' {
		return 0
	}
	var octets [4]byte
	j := i
	for part := range octets {
		v, n := 0, 0
		for ; n < 3 && isDigit(at(text, j+n)); n++ {
			v = v*10 + int(text[j+n]-'0')
		}
		if n == 0 || v > 255 || n > 1 && text[j] == '0' {
			return 0
		}
		octets[part] = byte(v)
		j += n
		if part < 3 {
			if at(text, j) != '.' {
				return 0
			}
			j++
		}
	}
	if b := at(text, j); wordBytes[b] || b == '.' && isDigit(at(text, j+1)) || !public(netip.AddrFrom4(octets)) {
		return 0
	}
	return j
}

// ipv6 reads addresses of 2000::/3, which all public ones are.
func ipv6(text []byte, i int) int {
	if text[i] != '2' && text[i] != '3' {
		return 0
	}
	j, colons := i, 0
	for ; j < len(text) && j-i < 40; j++ {
		b := text[j]
		if b == ':' {
			colons++
		} else if !isDigit(b) && (b|0x20 < 'a' || b|0x20 > 'f') {
			break
		}
	}
	for j > i && text[j-1] == ':' && at(text, j-2) != ':' {
		j--
		colons--
	}
	if colons < 2 || wordBytes[at(text, j)] || at(text, i-1) == ':' {
		return 0
	}
	a, err := netip.ParseAddr(unsafe.String(&text[i], j-i)) // the string does not outlive the call
	if err != nil || a.Is4() || !public(a) {
		return 0
	}
	return j
}
