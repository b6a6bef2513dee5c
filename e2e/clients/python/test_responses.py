"""The Responses API through the official Python SDK against the real model. The servers are those of test_sdk.py."""

import json
import unittest

import openai

from test_sdk import CHAT, MODEL, River, client

ASK = CHAT[0]["content"]
RIVER = {"type": "object", "properties": {"name": {"type": "string", "maxLength": 20}}, "required": ["name"], "additionalProperties": False}
UNKNOWN = {"type": "object", "properties": {"a": {"not": {}}}}


class Responses(unittest.TestCase):
    def test_says_what_a_chat_says(self):
        chat = client().chat.completions.create(model=MODEL, messages=[{"role": "system", "content": "Be terse."}] + CHAT, temperature=0, max_completion_tokens=16)
        answer = client().responses.create(model=MODEL, instructions="Be terse.", input=ASK, temperature=0, max_output_tokens=16)
        self.assertEqual(answer.output_text, chat.choices[0].message.content)
        self.assertEqual((answer.usage.input_tokens, answer.usage.output_tokens), (chat.usage.prompt_tokens, chat.usage.completion_tokens))
        self.assertEqual((answer.object, answer.instructions, answer.temperature), ("response", "Be terse.", 0))
        if chat.choices[0].finish_reason == "length":
            self.assertEqual((answer.status, answer.incomplete_details.reason), ("incomplete", "max_output_tokens"))

    def test_the_stream_says_the_same(self):
        whole = client().responses.create(model=MODEL, input=ASK, temperature=0, max_output_tokens=16)
        kinds, numbers = [], []
        with client().responses.stream(model=MODEL, input=ASK, temperature=0, max_output_tokens=16) as stream:
            text = ""
            for event in stream:
                kinds.append(event.type)
                numbers.append(event.sequence_number)
                if event.type == "response.output_text.delta":
                    text += event.delta
        self.assertEqual(kinds[:4], ["response.created", "response.in_progress", "response.output_item.added", "response.content_part.added"])
        self.assertEqual(kinds[-4:-1], ["response.output_text.done", "response.content_part.done", "response.output_item.done"])
        self.assertIn(kinds[-1], ("response.completed", "response.incomplete"))
        self.assertEqual(numbers, list(range(len(numbers))))
        self.assertEqual(text, whole.output_text)

    def test_an_answer_is_history(self):
        first = client().responses.create(model=MODEL, input=ASK, max_output_tokens=8)
        talk = [{"role": "user", "content": ASK}] + first.output + [{"role": "user", "content": [{"type": "input_text", "text": "And?"}]}]
        second = client().responses.create(model=MODEL, input=talk, max_output_tokens=4, store=False)
        self.assertGreater(second.usage.input_tokens, first.usage.input_tokens + first.usage.output_tokens)

    def test_logprobs(self):
        answer = client().responses.create(
            model=MODEL, input=ASK, temperature=0, max_output_tokens=6, include=["message.output_text.logprobs"], top_logprobs=2
        )
        tokens = answer.output[0].content[0].logprobs
        self.assertEqual(len(tokens), answer.usage.output_tokens)
        for t in tokens:
            self.assertEqual(t.logprob, t.top_logprobs[0].logprob)
            self.assertEqual(len(t.top_logprobs), 2)

    def test_tools(self):
        tools = [{"type": "function", "name": "find_river", "description": "Find a river by its name.", "parameters": RIVER, "strict": True}]
        ask = dict(model=MODEL, tools=tools, temperature=0, max_output_tokens=64, parallel_tool_calls=False)
        whole = client().responses.create(input=ASK, tool_choice="required", **ask)
        (call,) = whole.output
        self.assertEqual((call.type, call.name, call.status, whole.status), ("function_call", "find_river", "completed", "completed"))
        self.assertEqual(list(json.loads(call.arguments)), ["name"])
        with client().responses.stream(input=ASK, tool_choice="required", **ask) as stream:
            delta = "".join(e.delta for e in stream if e.type == "response.function_call_arguments.delta")
            final = stream.get_final_response()
        self.assertEqual((delta, final.output[0].arguments), (call.arguments, call.arguments))
        talk = [{"role": "user", "content": ASK}] + whole.output + [{"type": "function_call_output", "call_id": call.call_id, "output": "It is long."}]
        said = client().responses.create(input=talk, tool_choice="none", **ask)
        self.assertEqual([i.type for i in said.output], ["message"])
        self.assertTrue(said.output_text)

    def test_parse_gives_the_model(self):
        answer = client().responses.parse(model=MODEL, input=ASK, extra_body={"seed": 1}, max_output_tokens=200, text_format=River)
        self.assertIsInstance(answer.output_parsed, River)

    def test_errors(self):
        for param, code, change in (
            ("model", "model_not_found", dict(model="gpt-none")),
            ("store", "unsupported_parameter", dict(store=True)),
            ("previous_response_id", "unsupported_parameter", dict(previous_response_id="resp_1")),
            ("conversation", "unsupported_parameter", dict(conversation="conv_1")),
            ("background", "unsupported_parameter", dict(background=True)),
            ("max_output_tokens", "integer_below_min_value", dict(max_output_tokens=0)),
            ("tools[0].parameters", "invalid_function_parameters", dict(tools=[{"type": "function", "name": "f", "parameters": UNKNOWN}])),
            ("text.format", "invalid_json_schema", dict(text={"format": {"type": "json_schema", "name": "n", "schema": UNKNOWN}})),
            ("input_image", "unsupported_parameter", dict(input=[{"role": "user", "content": [{"type": "input_image", "image_url": "https://x/y.png"}]}])),
            ("input", "context_length_exceeded", dict(input="word " * 9000)),
        ):
            with self.subTest(param=param), self.assertRaises(openai.APIStatusError) as caught:
                client().responses.create(**(dict(model=MODEL, input=ASK, max_output_tokens=4) | change))
            self.assertEqual((caught.exception.param, caught.exception.code), (param, code), caught.exception.message)
