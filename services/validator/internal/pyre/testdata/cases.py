"""Writes cases.jsonl.gz: patterns, texts, and what Python 3.11's re says of them.

    python3.11 cases.py

Each line is [pattern, texts, verdicts]; verdicts is null where re refuses the pattern.
"""
import gzip, json, random, re, signal, sys, warnings

assert sys.version_info[:2] == (3, 11)
warnings.simplefilter("ignore")
rnd = random.Random(20261126)

GIVEN = r"""
a|b||a+|a*?b|^a$|a$|\Aa\Z|a\Z|(?m)^a$|(?m)a$|^$|$^|\b|\B|\ba|a\b|\Ba|a\B|(?a)\bé|\bé|é\b|(?a)\w|\w+|^\w+$|\W|\d+|^\d+$|(?a)^\d+$|\s|\S|(?a)\s|[\s]|[^\s]
[\d\-x]|[^\W]|[\w-]|[a-\d]|[]a]|[^]a]|[]|[^]|[a|[a-]|[-a]|[a--]|[--a]|[a-b-c]|[z-a]|[\]]|[\b]|[\B]|[\A]|[\Z]|[[a]|[[:alpha:]]|[a&&b]|[a||b]|[\x41]|[\u0041]|[\U00000041]|[\101]|[\8]|[\400]|[\377]|[\0]|[\00]
\x4|\x41|\u00e9|\u00e|\U0001F600|\U00110000|\N{EM DASH}|\N{LATIN SMALL LETTER E WITH ACUTE}|\N{NOPE}|\N|\N{|\N{}|\0|\01|\012|\0123|\1|(a)\1|(a)\2|(a)\10|(a)\100|\141|\400|\777|\18|(a)\08
(?i)a|(?i)é|(?i)É|(?i)ß|(?i)ẞ|(?i)[ß]|(?i)[ßx]|(?i)ſ|(?i)s|(?i)k|(?i)K|(?i)i|(?i)İ|(?i)ı|(?i)I|(?i)σ|(?i)ς|(?i)Σ|(?i)[σ]|(?i)[^σ]|(?i)[α-ω]|(?i)[Α-Ω]|(?i)[a-z]|(?i)[^a-z]|(?i)µ|(?i)μ|(?i)ǆ|(?i)ǅ|(?i)Ǆ|(?ia)É|(?ia)k|(?ia)[a-z]|(?ia)[K]
(?i)𐐀|(?i)𐐨|(?i)[𐐀x]|(?i)[𐐨x]|(?i)[𐐀-𐐧]|(?i)[𐐨-𐑏]|(?i)[^𐐀]|(?i)[\W]|(?i)\W|(?i)[\d]|(?i)[ǅ-ǈ]|(?i)ß|a|(?i)(?:ß|a)|(?i)xß|xa|(?i:a)b|(?i:a(?-i:b))c|a(?i)b|(?i)(?m)^A$|(?s).|(?s:.).|.(?s)|(?-i:a)|(?i-i:a)|(?ii)a|(?i-:a)
(?x)a b|(?x) a # c|(?x)a\ b|(?x)[ ]a|(?x)a {2}|(?x: a b )c d|(?x)a#b\nc|(?x)(?-x: a)|(?t)a|(?t:a)|(?L)a|(?u)a|(?au)a|(?a)(?u)a|(?a:\w)\w|(?u:\w)|(?q)a|(?i|(?i-|(?-|(?-a:b)|(?-u:b)|(?P|(?P<|(?P<n|(?P<n>|(?P<n>a)|(?P<1>a)|(?P<é>a)|(?P<a b>c)|(?P<n>a)(?P<n>b)|(?P>n)|(?P=n)|(?P<n>a)(?P=n)|(?P<n>a(?P=n))|(a\1)|(?<n>a)|(?'n'a)
(?#c)a|(?#c|a(?#c)*|a(?#)+b|(?=a)|(?=a)b|(?!a)b|(?!a).|(?=)|(?!)|(?<=a)b|(?<!a)b|(?<=ab|cd)e|(?<=a|bc)d|(?<=a*)b|(?<=a{2})b|(?<=a{2,3})b|(?<=(a))b\1|(?<=(a)\1)b|(a)(?<=\1)b|(?<=\b)a|(?<=^)a|(?<=$)|(?<=é)x|(?<!é)x|(?<=(?=a))a|(?<=(?i:a))b|(?<a|(?<
(?>a*)ab|(?>a|ab)c|(?>ab|a)c|a*+a|a++b|a?+a|a{1,2}+a|(?:ab)*+a|a+++|a**|a*+*|a??|a???|a+?b|a{2}|a{2}{3}|a{2}?|a{,2}|^a{,2}$|a{2,}|a{2,1}|a{|a{}|a{,}|a{1|a{1,|a{a}|{|{1}|{}|}|a{99999999999}|a{4294967295}|(?:a{2}){3}|*a|+|?|^*|$*|\b*|(?:^)*|(^)*a|(?:)*|()*|(?=a)*b|(?i)*|x{0}|(|)|())|(()|((a)|a)(
(a)?(?(1)b|c)|(a)?(?(1)b)|(?P<n>a)?(?(n)b|c)|(?(1)a|b)(c)|(?(2)a)(b)|(?(0)a)|(?(n)a)|(?(1)a|b|c)(x)|(?(1|(?(1)a|(a)(?(1)b|c)|(?(+1)a|b)(x)|(?( 1 )a|b)(x)|(?(1_0)a)|^(<)?\w+(?(1)>|$)|(?<=(?(1)a|b))c
^(?!a)|^(?=.*\d)(?=.*[a-z]).{4,}$|(\w)\1|(.)\1\1|(?i)(a)\1|(?i)(é)\1|(?:(a)|b\1)+$|(a|ab)(c|bcd)\2?|(a*)*b|(a*)+$|(a|b)*?c|(?:a|ab)(?:c|bcd)$|(?:a?){3}a{3}|(?:(a)|(b))+\1|(?!.*b)a|^(?:(?!ab).)*$|\b\w+\b(?= a)|(?<=\d)(?=(\d{3})+$)
^[A-Z]{2}\d{4}$|^\d{4}-\d{2}-\d{2}$|^\S+@\S+\.\w+$|[\w.+-]+@[\w-]+\.[\w.-]+|(?i)\bwater\b|\b(?:\d{1,3}\.){3}\d{1,3}\b|https?://\S+|[^\x00-\x7F]|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|^\+?\d[\d ()-]{6,}$|^.{1,3}$|^(a|bb)$|(?s)^a.b$|a.b|^.$|ab\Z|\\|\.|\-|\_|\é|\q|\z|\y|\G|\K|\R|\pL|\X|\Q|a\|[a\|\Zb|(?:\Z)|b\A
"""


def given():
    # "|" separates and also is a part of patterns: whole lines and their pieces are both worth trying
    for line in GIVEN.strip().split("\n"):
        yield line
        depth, piece, inset, i = 0, "", False, 0
        for ch in line:
            if ch == "|" and piece.count("(") <= piece.count(")"):
                yield piece
                piece = ""
            else:
                piece += ch
        yield piece
        yield from line.split("|")


ATOMS = ["a", "b", "c", "é", "ß", "s", "k", "1", "٣", " ", "_", "-", ".", ".", r"\w", r"\d", r"\s", r"\W", r"\D", r"\S", r"\b", r"\B", "^", "$", r"\A", r"\Z", "[ab]", "[^a]",
         "[a-c]", r"[\w]", r"[^\d]", r"[\W_]", "[é-ſ]", "[^\\n]", r"\n", "(?=a)", "(?!b)", "(?<=a)", "(?<!b)", r"\1", "𐐀", "[A-Z]", "İ", "x", r"\x61", "[b-]", r"\."]
QUANT = ["*", "+", "?", "{2}", "{1,2}", "{,1}", "{0}", "{2,}", "*?", "+?", "??", "*+", "++", "?+", "{1,2}?"]
FLAGS = ["(?i)", "(?m)", "(?s)", "(?a)", "(?im)", "(?x)", "(?ia)", ""]


def pattern(depth):
    out = []
    for _ in range(rnd.randint(1, 4)):
        r = rnd.random()
        if r < 0.2 and depth:
            inner = pattern(depth - 1)
            out.append(rnd.choice(["(%s)", "(?:%s)", "(%s)", "(?=%s)", "(?!%s)", "(?<=%s)", "(?<!%s)", "(?>%s)", "(?i:%s)", "(?P<n>%s)", "(?s:%s)", "(?m:%s)"]) % inner)
        elif r < 0.25 and depth:
            out.append("(?(1)%s|%s)" % (pattern(0), pattern(0)))
        else:
            out.append(rnd.choice(ATOMS))
        if rnd.random() < 0.3:
            out.append(rnd.choice(QUANT))
        if rnd.random() < 0.12:
            out.append("|")
    return "".join(out)


CHARS = list("aabbcABs sSkKK1٣_-. \néÉßẞſİıiI東😀𐐀𐐨σςΣ>x<@") + ["\x0b", "\x1c", "\x85", "\u2028", "\xa0", "\x00", "\r\n", "ab", "a\n", "ss"]


def texts(n):
    return ["".join(rnd.choice(CHARS) for _ in range(rnd.randint(0, 8))) for _ in range(n)]


FIXED = ["", "a", "b", "ab", "aab", "a\n", "a\nb", "\n", "é", "aé", "K", "k", "ſ", "ß", "ẞ", "İ", "i", "ı", "σς", "Σ", "𐐀", "𐐨", "a1", "AB1234", "2024-01-31", "a@b.cc",
         "cold Water!", "10.0.0.1", "http://x.y", "1234567", "aaaa", "abcd", "bcbcd", "aXa", "<a>", "<a", "ac", "c", "µ", "μ", "ǅ", "—", "\x07", "{", "a{1", "é x", "éx"]


class Slow(Exception):
    pass


def stop(*_):
    raise Slow


signal.signal(signal.SIGALRM, stop)


def verdicts(p, ts):
    try:
        rx = re.compile(p)
    except (re.error, OverflowError, ValueError, RecursionError):
        return None
    return [1 if rx.search(t) else 0 for t in ts]


def main():
    seen, lines = set(), []
    patterns = list(given()) + [rnd.choice(FLAGS) + pattern(rnd.randint(0, 3)) for _ in range(9000)]
    patterns += [f"(?i){c}" for c in CHARS] + [f"(?i)[{c}x]" for c in CHARS] + [f"(?i)[^{c}]" for c in CHARS]
    refused = 0
    for p in patterns:
        if p in seen:
            continue
        seen.add(p)
        ts = texts(8) + rnd.sample(FIXED, 8) if len(seen) > 700 else FIXED + texts(5)
        signal.setitimer(signal.ITIMER_REAL, 1)
        try:
            v = verdicts(p, ts)
        except Slow:
            continue
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
        if v is None:
            refused += 1
            if refused > 2500:
                continue
            ts = []
        lines.append(json.dumps([p, ts, v], ensure_ascii=True))
    # every character with a case, alone, without regard to case: which characters of the same set match
    fold = [chr(c) for c in range(0x110000) if chr(c).lower() != chr(c) or chr(c).upper() != chr(c)]
    for c in rnd.sample(fold, 400):
        near = list({c.lower(), c.upper(), c.title(), c.swapcase(), c.lower().upper(), c.upper().lower(), c.casefold()})
        lines.append(json.dumps([f"^(?i:{c})$", near, verdicts(f"^(?i:{c})$", near)]))
        lines.append(json.dumps([f"^(?i:[{c}-{c}0])$", near, verdicts(f"^(?i:[{c}-{c}0])$", near)]))
    with gzip.GzipFile("cases.jsonl.gz", "wb", mtime=0) as f:
        f.write("\n".join(lines).encode())
    print(len(lines), "patterns,", refused, "refused")


main()
