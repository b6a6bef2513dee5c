"""The Responses API through the official Python SDK against the real model. The servers are those of test_sdk.py."""

import unittest

import openai

from test_sdk import CHAT, MODEL, client

ASK = CHAT[0]["content"]


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

    def test_errors(self):
        for param, code, change in (
            ("model", "model_not_found", dict(model="gpt-none")),
            ("store", "unsupported_parameter", dict(store=True)),
            ("previous_response_id", "unsupported_parameter", dict(previous_response_id="resp_1")),
            ("conversation", "unsupported_parameter", dict(conversation="conv_1")),
            ("background", "unsupported_parameter", dict(background=True)),
            ("max_output_tokens", "integer_below_min_value", dict(max_output_tokens=0)),
            ("input", "context_length_exceeded", dict(input="word " * 9000)),
        ):
            with self.subTest(param=param), self.assertRaises(openai.APIStatusError) as caught:
                client().responses.create(**(dict(model=MODEL, input=ASK, max_output_tokens=4) | change))
            self.assertEqual((caught.exception.param, caught.exception.code), (param, code), caught.exception.message)
