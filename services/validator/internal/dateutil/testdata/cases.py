"""Writes cases.jsonl.gz: texts and what dateutil.parser.parse makes of them on 2026-01-31.

    TZ=UTC python3.11 cases.py      (python-dateutil of Great Expectations 1.24.1's environment)

Each line is [text, result]: the naive date in ISO form, null where GX counts it as not parseable, "raised" where parse raises
anything else.
"""
import datetime, gzip, json, os, random, warnings

os.environ["TZ"] = "UTC"
import dateutil.parser._parser as P

warnings.simplefilter("ignore")
rnd = random.Random(20261126)
NOW = datetime.datetime(2026, 1, 31)


class Frozen(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return cls(2026, 1, 31)


PARSER = P.parser()
PARSER.info._year, PARSER.info._century = 2026, 2000

GIVEN = """2024-01-31|2024-02-30|2023-02-29|2024-02-29|31/12/2020|12/31/2020|13/13/2020|1/2/3|99-01-02|01-99|99-01|Jan 5|5 Jan|Jan 2024|Jan-01|Jan-01-99|Jan of 01|Jan of x|Jan of ²|Feb|April|31|30|0|1|2024|24|1.5|10.5|12,5
10:30|10:30:45|10:30:45.123456789|25:00|10:60|10:30:60|10h|10h30|10h30m|10h30m5s|10 h 30 m|12.5h|10.5m|10.999999999999999999999999999999999h|5 s|10am|10 am|13am|0am|12 pm|am|10 a.m.|10a.m|10 p|10 a
2024-01-31T10:30:00Z|2024-01-31T10:30:00z|20240131T103000|20240131T1030|20240131103000|202401311030|20240131|240131|103000|103000.5|240131 103000|2024-01-31 10:30 UTC|10:30 GMT+3|10:30 BRST|10:30 BRST+3|10:30 EST (foo)|10:30 -0300 (BRST)|10:30+03:00|10:30+3|10:30+|10:30+12345|10:30-03:99999999999|10:30 +9999|10:30 ABCDEF
Monday|Fri|Fri 9999|Dec 31 9999 Fri|Mon Jan 5 2024|Sept 5|5th of March|1st|2nd|3rd|on|at 10|and|ad|m|t|'|,||  |inf|nan|infinity|-|+|a|x|today|now|2024-W05|2024-001|10000-01-01|0000-01-01|0001-01-01|00-00-00
Sep.20.2009|4.30.21|2009.09.20|1.a|1.a |1.b|a.1|jan.5|10.jan.2020|5.jan|5.jan.|12.|12,|1,2|12,34|12,345|1,2,3|12,a|1.2.3.4|192.168.0.1|3.14|1e5|-5|+5|2024/1/2|2024/Jan/02|2024-Jan|Jan/2024/05|01-Jan-2020|Jan-2020-05|2020-05-Jan|1 2 3 4|1 2 3|100 1 2|101 1 2|1 2 101|32 1 2|1 32 2|1 1 32|32 32 1
١٢|١٢:٣٠|²|1²|12²:00|２０２４-０１-０２|é|東|2024年1月|\u00a010:30|10:30\u2003UTC|2024\x00-01-01|\n5\t|99999999999999999999999999999h|9999999999999999999999999999h|99999999999999999999|10:99999999999999999999999999999|10:30:1.5.5|10:30:a|10:|10:a|:30|10:inf
12h 5 pm|5pm 10:30|10:30pm|13:30pm|10:30 pm am|2024-01-01 5|2024-01-01 0530|2024-01-01 2400|2024-01-01 5h|2024-01-01 05:30|20240101 05|1/1/24 0530h|5 m|5m5|10m 30|h 5|5 hours|5 minutes ago|1 day|Jan|jan feb|Jan Jan|Jan 1 Jan|2024 2025|2024-2025|200 300|Jan 32|Jan 31|Feb 31|Feb 30|Feb 29|Feb 29 2023|Feb 29 2024|Nov 31|29 Feb|Jan 5 2024 10:30:45.5 PM EST-5""".split("\n")

WORDS = ["Jan", "feb", "March", "Sept", "Dec", "may", "Mon", "Friday", "sun", "am", "pm", "a", "p", "a.m.", "UTC", "GMT", "EST", "Z", "z", "h", "m", "s", "hours", "minute", "at", "on", "and", "of",
         "ad", "st", "nd", "rd", "th", "T", "t", "x", "BRST", "é", "nan", "inf", "İ"]
SEPS = ["", "", " ", " ", "-", "/", ".", ",", ":", ", ", "'", ";", "+", "(", ")", "T", "  ", "_"]


def number():
    r = rnd.random()
    if r < .4:
        return str(rnd.randint(0, 32))
    if r < .6:
        return "%02d" % rnd.randint(0, 61)
    if r < .75:
        return str(rnd.randint(1900, 2060))
    if r < .85:
        return "".join(rnd.choice("0123456789") for _ in range(rnd.randint(1, 15)))
    if r < .93:
        return "%d.%d" % (rnd.randint(0, 60), rnd.randint(0, 10 ** rnd.randint(0, 9)))
    if r < .97:
        return "%d,%d" % (rnd.randint(0, 60), rnd.randint(0, 99))
    return rnd.choice(["١٢", "²", "０５", "9" * 30, "1_0"])


def made():
    out = ""
    for _ in range(rnd.randint(1, 7)):
        out += (number() if rnd.random() < .65 else rnd.choice(WORDS)) + rnd.choice(SEPS)
    return out


def likely():
    d = datetime.datetime(rnd.randint(1, 9999) if rnd.random() < .2 else rnd.randint(1950, 2050), rnd.randint(1, 12), rnd.randint(1, 28), rnd.randint(0, 23), rnd.randint(0, 59), rnd.randint(0, 59), rnd.randint(0, 999999))
    f = rnd.choice(["%Y-%m-%d", "%d/%m/%Y", "%m/%d/%y", "%d.%m.%Y", "%b %d, %Y", "%d %B %Y", "%A, %d %b %Y %H:%M:%S", "%Y%m%d", "%Y%m%dT%H%M%S", "%Y-%m-%dT%H:%M:%S.%f", "%y%m%d", "%H:%M", "%I:%M %p", "%I%p",
                    "%d-%b-%y", "%b-%d-%Y", "%Y/%m/%d %H:%M", "%B %Y", "%b of %Y", "%c", "%x", "%X", "%dth of %B %Y", "%Y.%m.%d", "%Hh%Mm%Ss", "%Y-%m-%d %H:%M:%S +0200", "%H:%M:%S GMT-3", "%a %d"])
    s = d.strftime(f)
    if rnd.random() < .35:  # damaged
        i = rnd.randrange(len(s) + 1)
        s = s[:i] + rnd.choice(["", "0", "9", " ", "-", "x", ".", ":", "\x00", "1"]) + s[i + rnd.randint(0, 2):]
    return s


def result(s):
    try:
        return PARSER.parse(s, default=NOW).replace(tzinfo=None).isoformat()
    except (ValueError, OverflowError):
        return None
    except Exception as e:
        return "raised"


texts = [t.encode().decode("unicode_escape").encode("latin1").decode() if "\\" in t and t.isascii() and "\\u" not in t else t.replace("\\u00a0", "\u00a0").replace("\\u2003", "\u2003")
         for line in GIVEN for t in line.split("|")]
texts += ["10.0" + "9" * 28 + d + "h" for d in ("4", "5", "6", "50", "51")] + ["10.0" + "9" * 27 + "85h", "10." + "9" * 28 + "5h"]  # decimals are rounded to 28 digits
texts += [likely() for _ in range(5000)] + [made() for _ in range(7000)]
texts = list(dict.fromkeys(texts))
lines = [json.dumps([t, result(t)]) for t in texts]
with gzip.GzipFile("cases.jsonl.gz", "wb", mtime=0) as f:
    f.write("\n".join(lines).encode())
print(len(lines), sum(1 for l in lines if l.endswith("null]")), "refused", sum(1 for l in lines if l.endswith('"raised"]')), "raised")
