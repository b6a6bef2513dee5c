"""Anthropic's official Python SDK against the real model, as its users call it. The servers are those of test_sdk.py."""

import json
import threading
import unittest

import anthropic

from test_sdk import BUSY, ENDLESS, MODEL, URL, metric, wait
from test_sdk import client as openai_client

ASK = [{"role": "user", "content": "Name three rivers of Europe."}]
GREEDY = {"temperature": 0}  # which this SDK has no argument for any more

RIVER = {"type": "object", "properties": {"name": {"type": "string", "maxLength": 20}}, "required": ["name"], "additionalProperties": False}


def client(url=URL, **options):
    options.setdefault("max_retries", 0)
    return anthropic.Anthropic(base_url=url, api_key="none", **options)


class Messages(unittest.TestCase):
    def test_unary_and_stream_say_the_same(self):
        whole = client().messages.create(model=MODEL, messages=ASK, extra_body=GREEDY, max_tokens=24)
        self.assertEqual((whole.type, whole.role, whole.content[0].type), ("message", "assistant", "text"))
        with client().messages.stream(model=MODEL, messages=ASK, extra_body=GREEDY, max_tokens=24) as stream:
            text = "".join(stream.text_stream)
            final = stream.get_final_message()
        self.assertEqual(text, whole.content[0].text)
        self.assertEqual([(b.type, b.text) for b in final.content], [(b.type, b.text) for b in whole.content])
        self.assertEqual((final.stop_reason, final.usage.output_tokens), (whole.stop_reason, whole.usage.output_tokens))
        self.assertEqual(final.usage.input_tokens + final.usage.cache_read_input_tokens, whole.usage.input_tokens + whole.usage.cache_read_input_tokens)

    def test_events_come_in_order(self):
        kinds = [e.type for e in client().messages.create(model=MODEL, messages=ASK, max_tokens=4, stream=True)]
        deltas = kinds[2:-3]
        self.assertEqual(kinds[:2] + kinds[-3:], ["message_start", "content_block_start", "content_block_stop", "message_delta", "message_stop"])
        self.assertTrue(deltas and set(deltas) == {"content_block_delta"}, kinds)

    def test_says_what_a_chat_says(self):
        system = "You are a terse helper."
        chat = openai_client().chat.completions.create(
            model=MODEL, messages=[{"role": "system", "content": system}] + ASK, temperature=0, max_completion_tokens=16
        )
        answer = client().messages.create(model=MODEL, system=[{"type": "text", "text": system}], messages=ASK, extra_body=GREEDY, max_tokens=16)
        self.assertEqual(answer.content[0].text, chat.choices[0].message.content)
        self.assertEqual(answer.usage.input_tokens + answer.usage.cache_read_input_tokens, chat.usage.prompt_tokens)

    def test_the_count_is_what_the_prompt_has(self):
        talk = ASK + [{"role": "assistant", "content": "The Rhine."}, {"role": "user", "content": [{"type": "text", "text": "And?"}]}]
        count = client().messages.count_tokens(model=MODEL, system="Be brief.", messages=talk)
        answer = client().messages.create(model=MODEL, system="Be brief.", messages=talk, max_tokens=1)
        self.assertEqual(count.input_tokens, answer.usage.input_tokens + answer.usage.cache_read_input_tokens)
        self.assertEqual(answer.stop_reason, "max_tokens")

    def test_stop_sequences(self):
        answer = client().messages.create(model=MODEL, messages=ASK, extra_body=GREEDY, max_tokens=40, stop_sequences=["Europe", "river"])
        self.assertNotRegex(answer.content[0].text, "Europe|river")
        self.assertEqual(answer.stop_reason, "end_turn")

    def test_tools(self):
        tools = [{"name": "find_river", "description": "Find a river by its name.", "input_schema": RIVER}]
        ask = dict(model=MODEL, messages=ASK, tools=tools, max_tokens=64, extra_body=GREEDY)
        must = {"type": "tool", "name": "find_river"}
        whole = client().messages.create(tool_choice=must, **ask)
        (use,) = whole.content
        self.assertEqual((use.type, use.name, list(use.input), whole.stop_reason), ("tool_use", "find_river", ["name"], "tool_use"))
        with client().messages.stream(tool_choice=must, **ask) as stream:
            partial = "".join(e.partial_json for e in stream if e.type == "input_json")
            final = stream.get_final_message()
        self.assertEqual((final.content[0].input, final.stop_reason), (use.input, "tool_use"))
        self.assertEqual(json.loads(partial), use.input)
        talk = ASK + [{"role": "assistant", "content": whole.content}, {"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": use.id, "content": "It is long."}, {"type": "text", "text": "So?"}]}]
        said = client().messages.create(**ask | {"messages": talk, "tool_choice": {"type": "none"}})
        self.assertEqual([b.type for b in said.content], ["text"])
        count = client().messages.count_tokens(model=MODEL, messages=talk, tools=tools)
        self.assertEqual(count.input_tokens, said.usage.input_tokens + said.usage.cache_read_input_tokens)

    def test_structured_output(self):
        answer = client().messages.create(
            model=MODEL, messages=ASK, max_tokens=64, output_config={"format": {"type": "json_schema", "schema": RIVER}}
        )
        self.assertEqual(list(json.loads(answer.content[0].text)), ["name"])

    def test_errors(self):
        for status, kind, words, change in (
            (404, "not_found_error", "does not exist", dict(model="claude-none")),
            (400, "invalid_request_error", "max_tokens", dict(max_tokens=0)),
            (400, "invalid_request_error", "messages[0].content", dict(messages=[{"role": "user", "content": []}])),
            (400, "invalid_request_error", "thinking", dict(thinking={"type": "enabled", "budget_tokens": 1024})),
            (400, "invalid_request_error", "tools", dict(tools=[{"name": "f", "input_schema": {"type": "object", "properties": {"a": {"not": {}}}}}])),
            (400, "invalid_request_error", "tokens", dict(max_tokens=20_000)),
        ):
            with self.subTest(words=words), self.assertRaises(anthropic.APIStatusError) as caught:
                client().messages.create(**(dict(model=MODEL, messages=ASK, max_tokens=4) | change))
            e = caught.exception
            self.assertEqual((e.status_code, e.body["type"], e.body["error"]["type"]), (status, "error", kind), e.body)
            self.assertIn(words, e.body["error"]["message"])
            self.assertTrue(e.request_id and e.body["request_id"] == e.request_id, e.body)

    def test_a_full_queue_is_overloaded(self):
        slot = openai_client(BUSY).completions.create(**ENDLESS)
        next(iter(slot))
        held = []
        try:
            t = threading.Thread(target=lambda: held.append(client(BUSY).messages.create(model=MODEL, messages=ASK, max_tokens=1)))
            t.start()
            wait("one request waits", lambda: metric(BUSY, "llm_queue_depth") == 1)
            with self.assertRaises(anthropic.InternalServerError) as caught:
                client(BUSY).messages.create(model=MODEL, messages=ASK, max_tokens=1)
            self.assertEqual((caught.exception.status_code, caught.exception.body["error"]["type"]), (529, "overloaded_error"))
            self.assertTrue(caught.exception.response.headers["retry-after"])
        finally:
            slot.close()
        t.join()
        self.assertEqual(held[0].stop_reason, "max_tokens")
