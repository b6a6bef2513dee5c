"""The official Python SDK against the real model, as its users call it.

LEAT_TEST_URL is a gateway with room, LEAT_TEST_BUSY_URL one with a single slot and a single place in its queue.
"""

import asyncio
import json
import os
import typing
import threading
import time
import unittest
import urllib.request

import openai
import pydantic

MODEL = "smollm2-135m-instruct"
URL, BUSY = os.environ["LEAT_TEST_URL"], os.environ["LEAT_TEST_BUSY_URL"]
CHAT = [{"role": "user", "content": "Name three rivers of Europe."}]
ENDLESS = dict(model=MODEL, prompt="Once upon a time", max_tokens=1900, stream=True, extra_body={"ignore_eos": True})


def client(url=URL, **options):
    options.setdefault("max_retries", 0)
    return openai.OpenAI(base_url=url + "/v1", api_key="none", **options)


def metric(url, name):
    """The sum of a metric over its labels."""
    text = urllib.request.urlopen(url + "/metrics", timeout=10).read().decode()
    return sum(float(line.split()[-1]) for line in text.splitlines() if line.startswith((name + "{", name + " ")))


def wait(what, cond, patience=20):
    deadline = time.monotonic() + patience
    while not cond():
        if time.monotonic() > deadline:
            raise AssertionError(f"still not after {patience} s: {what}")
        time.sleep(0.02)


class River(pydantic.BaseModel):
    """What parse() holds the model to; pydantic writes its schema with $defs and anyOf."""

    class Mouth(pydantic.BaseModel):
        sea: typing.Literal["North Sea", "Baltic Sea", "Black Sea", "Mediterranean Sea"]

    name: str = pydantic.Field(max_length=20)
    km: int = pydantic.Field(ge=1, le=4000)
    mouth: Mouth
    joined: typing.Optional[bool]


class find_river(pydantic.BaseModel):
    """Find a river by its name."""

    name: str = pydantic.Field(max_length=20)


TOOLS = dict(model=MODEL, messages=CHAT, temperature=0, max_completion_tokens=64, tool_choice="required", parallel_tool_calls=False)


class Structured(unittest.TestCase):
    def test_parse_gives_the_model(self):
        answer = client().chat.completions.parse(model=MODEL, messages=CHAT, seed=1, max_completion_tokens=200, response_format=River)
        self.assertIsInstance(answer.choices[0].message.parsed, River)

    def test_tools_are_parsed(self):
        answer = client().chat.completions.parse(tools=[openai.pydantic_function_tool(find_river)], **TOOLS)
        self.assertEqual(answer.choices[0].finish_reason, "tool_calls")
        self.assertIsNone(answer.choices[0].message.content)
        (call,) = answer.choices[0].message.tool_calls
        self.assertIsInstance(call.function.parsed_arguments, find_river)

    def test_tools_stream(self):
        tools = [openai.pydantic_function_tool(find_river)]
        whole = client().chat.completions.create(tools=tools, **TOOLS)
        parts, done = [], []
        with client().chat.completions.stream(tools=tools, **TOOLS) as stream:
            for event in stream:
                if event.type == "tool_calls.function.arguments.delta":
                    parts.append(event.arguments_delta)
                elif event.type == "tool_calls.function.arguments.done":
                    done.append(event)
            final = stream.get_final_completion()
        want = whole.choices[0].message.tool_calls[0].function
        self.assertEqual(("".join(parts), done[0].name), (want.arguments, "find_river"))
        self.assertGreater(len(parts), 2)
        self.assertEqual(final.choices[0].message.tool_calls[0].function.arguments, want.arguments)
        self.assertEqual(final.choices[0].finish_reason, "tool_calls")

    def test_result_comes_back(self):
        answer = client().chat.completions.create(tools=[openai.pydantic_function_tool(find_river)], **TOOLS)
        message = answer.choices[0].message
        history = CHAT + [message, {"role": "tool", "tool_call_id": message.tool_calls[0].id, "content": "It is long."}]
        said = client().chat.completions.create(model=MODEL, messages=history, temperature=0, max_completion_tokens=16)
        self.assertTrue(said.choices[0].message.content)

    def test_cut_says_so(self):
        answer = client().chat.completions.create(tools=[openai.pydantic_function_tool(find_river)], **{**TOOLS, "max_completion_tokens": 20})
        self.assertEqual(answer.choices[0].finish_reason, "length")
        with self.assertRaises(openai.LengthFinishReasonError):
            client().chat.completions.parse(model=MODEL, messages=CHAT, max_completion_tokens=5, response_format=River)

    def test_json_object(self):
        answer = client().chat.completions.create(
            model=MODEL, messages=CHAT, seed=3, max_completion_tokens=300, response_format={"type": "json_object"}
        )
        if answer.choices[0].finish_reason == "stop":
            self.assertIsInstance(json.loads(answer.choices[0].message.content), dict)
        else:
            self.assertEqual(answer.choices[0].finish_reason, "length")

    def test_logprobs_add_up(self):
        answer = client().chat.completions.create(tools=[openai.pydantic_function_tool(find_river)], logprobs=True, **TOOLS)
        self.assertGreaterEqual(len(answer.choices[0].logprobs.content), answer.usage.completion_tokens - 1)

    def test_refusals_name_the_keyword(self):
        schema = {"type": "object", "properties": {"a": {"not": {}}}}
        with self.assertRaises(openai.BadRequestError) as caught:
            client().chat.completions.create(
                model=MODEL, messages=CHAT, response_format={"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
            )
        self.assertEqual((caught.exception.param, caught.exception.code), ("response_format", "invalid_json_schema"))
        self.assertIn("In context=('properties', 'a'), 'not' is not supported", str(caught.exception))
        with self.assertRaises(openai.BadRequestError) as caught:
            image = [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}]}]
            client().chat.completions.create(model=MODEL, messages=image)
        self.assertEqual(caught.exception.param, "image_url")


class Answers(unittest.TestCase):
    def test_unary_and_stream_say_the_same(self):
        whole = client().chat.completions.create(model=MODEL, messages=CHAT, temperature=0, max_completion_tokens=24)
        self.assertEqual(whole.object, "chat.completion")
        self.assertIn(whole.choices[0].finish_reason, ("stop", "length"))
        self.assertEqual(whole.usage.total_tokens, whole.usage.prompt_tokens + whole.usage.completion_tokens)
        self.assertTrue(whole.system_fingerprint)
        text, finish, usage = "", None, None
        with client().chat.completions.create(
            model=MODEL, messages=CHAT, temperature=0, max_completion_tokens=24, stream=True, stream_options={"include_usage": True}
        ) as stream:
            for chunk in stream:
                usage = chunk.usage or usage
                for choice in chunk.choices:
                    text += choice.delta.content or ""
                    finish = choice.finish_reason or finish
        self.assertEqual((text, finish), (whole.choices[0].message.content, whole.choices[0].finish_reason))
        self.assertEqual(usage.completion_tokens, whole.usage.completion_tokens)

    def test_chat_logprobs(self):
        answer = client().chat.completions.create(
            model=MODEL, messages=CHAT, temperature=0, max_completion_tokens=6, logprobs=True, top_logprobs=3
        )
        tokens = answer.choices[0].logprobs.content
        self.assertEqual(len(tokens), answer.usage.completion_tokens)
        for t in tokens:
            self.assertEqual(bytes(t.bytes).decode("utf-8", "replace"), t.token)
            self.assertEqual(t.logprob, t.top_logprobs[0].logprob, "greedy takes the best token")
            self.assertEqual(len(t.top_logprobs), 3)

    def test_completion_logprobs_and_echo(self):
        answer = client().completions.create(model=MODEL, prompt="The capital of France is", max_tokens=2, temperature=0, echo=True, logprobs=2)
        lp = answer.choices[0].logprobs
        self.assertTrue(answer.choices[0].text.startswith("The capital of France is Paris"))
        self.assertEqual(len(lp.tokens), answer.usage.total_tokens)
        self.assertIsNone(lp.token_logprobs[0])
        self.assertEqual("".join(lp.tokens), answer.choices[0].text)

    def test_n_and_lists(self):
        answer = client().completions.create(model=MODEL, prompt=["One", "Two"], n=2, seed=5, max_tokens=4)
        self.assertEqual([c.index for c in answer.choices], [0, 1, 2, 3])

    def test_async(self):
        async def one(c, i):
            stream = await c.chat.completions.create(model=MODEL, messages=CHAT, seed=i, max_completion_tokens=6, stream=True)
            return "".join([(chunk.choices[0].delta.content or "") async for chunk in stream if chunk.choices])

        async def many():
            async with openai.AsyncOpenAI(base_url=URL + "/v1", api_key="none", max_retries=0) as c:
                return await asyncio.gather(*(one(c, i) for i in range(6)))

        self.assertTrue(all(asyncio.run(many())))

    def test_models_and_headers(self):
        self.assertEqual([m.id for m in client().models.list()], [MODEL])
        raw = client().completions.with_raw_response.create(model=MODEL, prompt="x", max_tokens=1, extra_headers={"X-Request-Id": "mine"})
        self.assertEqual(raw.parse()._request_id, "mine")
        for h in ("x-leat-worker", "x-leat-model-version", "x-leat-queue-ms", "x-leat-ttft-ms"):
            self.assertTrue(raw.headers.get(h), h)


class Errors(unittest.TestCase):
    def refused(self, cls, status, code, url=URL, **request):
        with self.assertRaises(cls) as caught:
            client(url).completions.create(**{"model": MODEL, "prompt": "x", "max_tokens": 1, **request})
        e = caught.exception
        self.assertEqual((e.status_code, e.code), (status, code), e)
        self.assertTrue(e.request_id)
        return e

    def test_classes(self):
        self.assertEqual(self.refused(openai.NotFoundError, 404, "model_not_found", model="gpt-none").param, "model")
        self.assertEqual(self.refused(openai.BadRequestError, 400, "decimal_above_max_value", temperature=9).param, "temperature")
        e = self.refused(openai.BadRequestError, 400, "context_length_exceeded", prompt=[5] * 3000)
        self.assertIn("3000", e.message)
        self.assertIn("2048", e.message)
        self.refused(openai.BadRequestError, 400, "unsupported_parameter", extra_body={"guided_json": {"type": "object"}})
        self.refused(openai.InternalServerError, 504, "first_token_timeout", prompt="word " * 400, extra_headers={"x-leat-timeout": "first_token=20ms"})

    def test_error_in_a_stream(self):
        with self.assertRaises(openai.APIError) as caught:
            for _ in client().completions.create(**ENDLESS, extra_headers={"x-leat-timeout": "total=2s"}):
                pass
        self.assertEqual(caught.exception.code, "total_timeout")


class Leaving(unittest.TestCase):
    def gone(self):
        wait("the gateway holds nothing for clients that left", lambda: metric(URL, "llm_active_requests") == 0)
        wait("the worker's slots are free", lambda: metric(URL, "vllm:num_requests_running") == 0)

    def test_closed_stream(self):
        stream = client().completions.create(**ENDLESS)
        next(iter(stream))
        stream.close()
        self.gone()

    def test_client_timeout(self):
        with self.assertRaises(openai.APITimeoutError):
            client(timeout=0.7).completions.create(**{**ENDLESS, "stream": False})
        self.gone()


class Retries(unittest.TestCase):
    """One slot is taken and one request waits, so that any other gets 429."""

    def setUp(self):
        self.seen = []  # (status, when, retry-after in ms) of every answer
        self.http = openai.DefaultHttpxClient(event_hooks={"response": [self.saw]})
        self.slot = client(BUSY).completions.create(**ENDLESS)
        next(iter(self.slot))
        self.waiting = threading.Thread(target=lambda: client(BUSY).completions.create(model=MODEL, prompt="x", max_tokens=1))
        self.waiting.start()
        wait("one request waits", lambda: metric(BUSY, "llm_queue_depth") == 1)

    def tearDown(self):
        self.slot.close()
        self.waiting.join()
        wait("the slot is free", lambda: metric(BUSY, "vllm:num_requests_running") == 0)

    def saw(self, response):
        self.seen.append((response.status_code, time.monotonic(), float(response.headers.get("retry-after-ms", 0))))
        if len(self.seen) == 1:
            self.slot.close()

    def test_rate_limit_error(self):
        with self.assertRaises(openai.RateLimitError) as caught:
            client(BUSY).completions.create(model=MODEL, prompt="x", max_tokens=1)
        e = caught.exception
        self.assertEqual((e.status_code, e.code, e.type), (429, "queue_full", "rate_limit_error"))
        self.assertGreaterEqual(int(e.response.headers["retry-after"]), 1)

    def test_retry_waits_as_told_and_succeeds(self):
        answer = client(BUSY, max_retries=5, http_client=self.http).completions.create(model=MODEL, prompt="x", max_tokens=1)
        self.assertEqual(len(answer.choices), 1)
        self.assertEqual(self.seen[0][0], 429)
        self.assertEqual(self.seen[-1][0], 200)
        told, waited = self.seen[0][2] / 1000, self.seen[1][1] - self.seen[0][1]
        self.assertGreater(told, 0)
        self.assertGreaterEqual(waited, told, f"the SDK was told to wait {told} s and waited {waited} s")


if __name__ == "__main__":
    unittest.main()
