"""Renders templates with the real Jinja, set up as Hugging Face's transformers sets it up, to produce golden files.

    python3 -m venv /tmp/jinja && /tmp/jinja/bin/pip install jinja2==3.1.6 && /tmp/jinja/bin/python testdata/render.py

Writes testdata/golden/<template>.json: for every conversation of testdata/conversations.json, with and without the
generation prompt, the text or the message of raise_exception; and the same in testdata/tools, whose conversations have
tools and calls of them. Not part of `go test`, which needs no Python.
With two arguments it reads templates from the first directory and writes to the second (to compare other templates).
"""

import datetime
import json
import pathlib
import sys

import jinja2
import jinja2.ext
import jinja2.sandbox
from jinja2 import nodes

HERE = pathlib.Path(__file__).parent
NOW = datetime.datetime(2026, 3, 7, 14, 5, 9)
BOS, EOS = "<s>", "</s>"


class Generation(jinja2.ext.Extension):
    """{% generation %} marks what the assistant said; it changes no text."""

    tags = {"generation"}

    def parse(self, parser):
        lineno = next(parser.stream).lineno
        body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
        return nodes.CallBlock(self.call_method("_same"), [], [], body).set_lineno(lineno)

    def _same(self, caller):
        return caller()


class Raised(Exception):
    pass


def raise_exception(message):
    raise Raised(message)


def tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
    return json.dumps(x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


env = jinja2.sandbox.ImmutableSandboxedEnvironment(
    trim_blocks=True, lstrip_blocks=True, extensions=[Generation, jinja2.ext.loopcontrols]
)
env.filters["tojson"] = tojson
env.globals["raise_exception"] = raise_exception
env.globals["strftime_now"] = lambda fmt: NOW.strftime(fmt)


def render(template, messages, add_generation_prompt, tools=None):
    try:
        text = template.render(
            messages=messages, tools=tools, documents=None, add_generation_prompt=add_generation_prompt,
            bos_token=BOS, eos_token=EOS,
        )
        return {"text": text}
    except Raised as e:
        return {"raised": str(e)}
    except Exception as e:  # a template that cannot take these messages
        return {"failed": f"{type(e).__name__}: {e}"}


templates = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "templates"
out = pathlib.Path(sys.argv[2]) if len(sys.argv) > 2 else HERE / "golden"
out.mkdir(parents=True, exist_ok=True)
conversations = json.loads((HERE / "conversations.json").read_text())
for path in sorted(templates.glob("*.jinja")):
    template = env.from_string(path.read_text())
    results = [
        {"conversation": name, "add_generation_prompt": add, **render(template, messages, add)}
        for name, messages in conversations.items()
        for add in (True, False)
    ]
    (out / f"{path.stem}.json").write_text(json.dumps(results, ensure_ascii=False, indent=1) + "\n")
    print(path.stem, len(results))

for path in sorted((HERE / "tools" / "templates").glob("*.jinja")) if len(sys.argv) == 1 else []:
    template = env.from_string(path.read_text())
    results = [
        {"conversation": name, "add_generation_prompt": add, **render(template, c["messages"], add, c.get("tools"))}
        for name, c in json.loads((HERE / "tools" / "conversations.json").read_text()).items()
        for add in (True, False)
    ]
    (HERE / "tools" / "golden" / f"{path.stem}.json").write_text(json.dumps(results, ensure_ascii=False, indent=1) + "\n")
    print(path.stem, len(results))
