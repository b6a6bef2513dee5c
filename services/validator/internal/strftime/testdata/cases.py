"""Writes cases.jsonl.gz: formats, texts, and what datetime.strptime of Python 3.11 says.

    TZ=UTC python3.11 cases.py

Each line is [format, texts, verdicts]; verdicts is null where strptime raises no ValueError but something else.
"""
import gzip, json, os, random, sys
from datetime import datetime

assert sys.version_info[:2] == (3, 11) and os.environ["TZ"] == "UTC"
rnd = random.Random(20261126)
FORMATS = ["%Y-%m-%d", "%d/%m/%Y", "%m/%d/%y", "%H:%M", "%H:%M:%S", "%Y-%m-%dT%H:%M:%S.%f", "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S%z", "%b %d %Y", "%d %B %Y", "%A, %d %b %Y", "%a %b %d %H:%M:%S %Y", "%I:%M %p", "%I%p",
           "%Y%m%d", "%Y%m%d%H%M%S", "%y%m%d", "%j", "%Y-%j", "%Y %j", "%U %w %Y", "%W %a %Y", "%G-W%V-%u", "%G %V %A", "%G %V", "%V %u", "%G", "%Y %V %u", "%G %V %u %j", "%G-%V-%u %m %d", "%Y %U", "%U", "%w", "%u %U", "%c", "%x", "%X",
           "%x %X", "%Z", "%z", "%H%z", "%z %Z", "%d %b", "%b %d", "%m %d", "%m-%d", "%d%m", "%m%d%Y", "%d %m %U %a", "%%", "%Y%%", "100%%%Y", "bad%", "%", "%Q", "%e", "%-d", "%.", "% d", "%\n", "%s", "%d %d", "%x %d", "%Y %y", "%y", "%f", "%S", "%M",
           "", " ", "  %d  ", "%d\t%m", "x", "X", "é%d", "ß %d", "K", "[%Y]", "(%d)", "%d.%m.%Y", "%d|%m", "a+b %d", "%Y*", "%H h %M m", "%dth %B", "%B", "%b", "%A", "%a", "%p", "%I", "%I %p %H", "%H %p", "%j %m", "%u", "%w %A", "%G %u %V %z", "%S.%f",
           "%m/%d %a", "%d %b %U %w", "%G%V%u", "%W%w%Y", "%D", "%T", "%F", "%P", "%é", "%Y年%m月%d日", "\u00a0%d", "%d\u2003%m", "%0d"]
CHARS = list("0123456789") * 3 + list(" -/:.TZzAPMapm+,%\n\t") + ["é", "١", "０", "ſ", "K", "\u00a0", "²", "Jan", "mon", "PM", "UTC", "gmt", "+05:30", "-0000", "+2400", "+23:59:59", "+01:0030", "+0100:30", "+0530.5", "60", "61", "366", "53"]


def texts(fmt):
    out = ["", " ", "2024-02-29", "2023-02-29", "29 Feb", "02 29", "Feb 29", "0000-01-01", "10000", "1", "01", "12", "00", "24", "UTC"]
    for _ in range(40):
        d = datetime(rnd.choice([1, 2, 1900, 1904, 1999, 2000, 2023, 2024, 9999, rnd.randint(1, 9999)]), rnd.randint(1, 12), rnd.randint(1, 28), rnd.randint(0, 23), rnd.randint(0, 59), rnd.randint(0, 59), rnd.choice([0, 5, 123456]))
        try:
            s = d.strftime(fmt)
        except Exception:
            s = fmt
        s = s.encode("utf8", "replace").decode("utf8")
        if "%z" in fmt and rnd.random() < .8:
            s += rnd.choice(["+0100", "-01:30", "Z", "z", "+01:00:30", "+010030", "+01:0030", "+0100:30", "+24:00", "+23:59:59.999999", "+0100.5", "+01", "-99:59"])
        if "%Z" in fmt and rnd.random() < .8:
            s += rnd.choice([" UTC", "GMT", "utc", " EST", ""])
        r = rnd.random()
        if r < .2:
            s = s.upper()
        elif r < .3:
            s = s.lower()
        elif r < .35:
            s = s.replace("s", "ſ").replace("0", "٠")
        elif r < .75 and s:
            i = rnd.randrange(len(s))
            s = s[:i] + rnd.choice(CHARS) + s[i + rnd.randint(0, 1):]
        elif r < .85 and s:
            i = rnd.randrange(len(s))
            s = s[:i] + s[i + 1:]
        out.append(s)
    # week and day formats: all corners of small years
    for _ in range(15):
        out.append(" ".join(str(rnd.choice([0, 1, 2, 4, 52, 53, 54, 6, 7, 366, 365, 1900, 9999, 2020, 2024, 1])) for _ in range(rnd.randint(1, 4))))
        out.append("%04d-W%02d-%d" % (rnd.choice([1, 2, 2020, 9999, 2024]), rnd.choice([0, 1, 52, 53]), rnd.randint(0, 8)))
        out.append("%d %d %04d" % (rnd.choice([0, 1, 52, 53]), rnd.randint(0, 7), rnd.choice([1, 2024, 9999, 1900])))
        out.append("%04d %03d" % (rnd.choice([1, 2023, 2024, 9999]), rnd.choice([0, 1, 365, 366, 367])))
    return out


def verdict(s, f):
    try:
        datetime.strptime(s, f)
        return 1
    except ValueError:
        return 0


def random_format():
    return "".join(rnd.choice(["%" + c for c in "YmdHMSfyjbBaApIzZUWGVuwcxX%"] + list("-/: .T") + ["é"]) for _ in range(rnd.randint(1, 6)))


lines = []
for f in FORMATS + [random_format() for _ in range(250)]:
    ts = texts(f)
    try:
        v = [verdict(s, f) for s in ts]
    except Exception:
        v, ts = None, []
    lines.append(json.dumps([f, ts, v]))
with gzip.GzipFile("cases.jsonl.gz", "wb", mtime=0) as f:
    f.write("\n".join(lines).encode())
print(len(lines), sum(len(json.loads(l)[1]) for l in lines), sum(sum(json.loads(l)[2] or []) for l in lines), "accepted")
