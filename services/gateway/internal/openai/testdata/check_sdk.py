"""Validates the golden files with the official SDK's own models, and the streams with its own stream reader.

    python3 -m venv /tmp/sdk && /tmp/sdk/bin/pip install openai==3.54.0 && /tmp/sdk/bin/python testdata/check_sdk.py

Not part of `go test`, which needs no Python; run it after a change of the golden files.
"""

import json
import pathlib

import httpx2
import openai
from openai.types import Completion, Model
from openai.types.chat import ChatCompletion, ChatCompletionChunk

GOLDEN = pathlib.Path(__file__).parent / "golden"


def client(body: bytes, content_type: str, status: int = 200) -> openai.OpenAI:
    answer = lambda request: httpx2.Response(status, headers={"content-type": content_type}, content=body)
    transport = httpx2.Client(transport=httpx2.MockTransport(answer))
    return openai.OpenAI(api_key="x", base_url="http://x/v1", max_retries=0, http_client=transport)


def strict(model, data, name):
    """Every field of the golden file is one the model knows, and of the type it declares."""
    parsed = model.model_validate(data, strict=False)
    back = json.loads(parsed.model_dump_json(exclude_unset=True))
    assert back == data, f"{name}: the model reads something else\n{back}\n{data}"


for path in sorted(GOLDEN.iterdir()):
    name, raw = path.stem, path.read_bytes()
    if path.suffix == ".json" and name.startswith("chat"):
        strict(ChatCompletion, json.loads(raw), name)
    elif path.suffix == ".json" and name.startswith("completion"):
        data = json.loads(raw)
        if name == "completion-echo":
            # The service answers null for an echoed prompt's first token although the SDK's type does not say so.
            first = data["choices"][0]["logprobs"]
            assert first["token_logprobs"][0] is None and first["top_logprobs"][0] is None
            first["token_logprobs"][0], first["top_logprobs"][0] = 0.0, {}
        strict(Completion, data, name)
    elif name.startswith("model") and path.suffix == ".json":
        data = json.loads(raw)
        for model in data.get("data", [data]):
            strict(Model, model, name)
        if "data" in data:
            assert [m.id for m in client(raw, "application/json").models.list()] == [m["id"] for m in data["data"]]
    elif name.startswith("error"):
        want = json.loads(raw)["error"]
        try:
            client(raw, "application/json", 400).models.list()
            raise AssertionError(f"{name}: no error raised")
        except openai.BadRequestError as e:
            assert (e.type, e.param, e.code) == (want["type"], want["param"], want["code"]), e
            assert want["message"] in e.message, e
    elif path.suffix == ".sse":
        api = client(raw, "text/event-stream")
        if name.startswith("completion"):
            stream = api.completions.create(model="m", prompt="x", stream=True)
        else:
            stream = api.chat.completions.create(model="m", messages=[{"role": "user", "content": "x"}], stream=True)
        chunks, error = [], None
        try:
            for chunk in stream:
                chunks.append(chunk)
        except openai.APIError as e:
            error = e
        events = [line[6:] for line in raw.decode().split("\n") if line.startswith("data: ")]
        if name == "stream-error":
            assert type(error) is openai.APIError and error.code == "engine_crashed" and error.type == "server_error", error
            assert error.message == "the worker\nwent away", error
            print("ok", path.name)
            continue
        assert error is None and len(chunks) == len(events) - 1, (name, error, len(chunks), len(events))
        for chunk, event in zip(chunks, events):
            data = json.loads(event)
            if name.startswith("chat"):
                strict(ChatCompletionChunk, data, name)
            assert json.loads(chunk.model_dump_json(exclude_unset=True)) == data, name
    else:
        continue
    print("ok", path.name)
