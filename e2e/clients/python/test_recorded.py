"""OpenAI's and Anthropic's official Python SDKs read, through Leat, what a real inference server said. LEAT_TEST_URL stands
before a player of answers recorded from llama-server."""

import unittest

from test_anthropic import client as anthropic_client
from test_sdk import client

MODEL = "recorded"
ASK = [{"role": "user", "content": "What is the capital of France?"}]
LOOKUP = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
WHOLE, STREAMED = "L'Étoile, la Marseillaise,", "L'Étoile, la Mar"


class OpenAI(unittest.TestCase):
    def test_chat(self):
        got = client().chat.completions.create(model=MODEL, messages=ASK)
        self.assertEqual((got.choices[0].message.content, got.choices[0].finish_reason), (WHOLE, "length"))
        self.assertEqual((got.usage.prompt_tokens, got.usage.completion_tokens, got.usage.prompt_tokens_details.cached_tokens), (37, 12, 0))

    def test_chat_that_was_cut_and_cached(self):
        got = client().chat.completions.create(model=MODEL, messages=ASK, max_tokens=2)
        self.assertEqual((got.choices[0].message.content, got.usage.prompt_tokens_details.cached_tokens), ("L'", 36))

    def test_chat_stream(self):
        chunks = list(client().chat.completions.create(model=MODEL, messages=ASK, stream=True, stream_options={"include_usage": True}))
        self.assertEqual("".join(c.choices[0].delta.content or "" for c in chunks if c.choices), STREAMED)
        self.assertEqual([c.choices[0].finish_reason for c in chunks if c.choices and c.choices[0].finish_reason], ["length"])
        self.assertEqual((chunks[-1].usage.prompt_tokens, chunks[-1].usage.completion_tokens), (37, 8))

    def test_logprobs(self):
        got = client().chat.completions.create(model=MODEL, messages=ASK, logprobs=True, top_logprobs=2).choices[0].logprobs.content
        self.assertEqual([t.token for t in got], ["L", "'", "É"])
        self.assertAlmostEqual(got[0].logprob, -1.8518438339233398)
        self.assertEqual([(t.token, t.bytes) for t in got[0].top_logprobs], [("L", [76]), ("The", [84, 104, 101])])

    def test_completion(self):
        got = client().completions.create(model=MODEL, prompt="The capital of France is")
        self.assertEqual((got.choices[0].text, got.choices[0].finish_reason, got.usage.total_tokens), (" Paris.\n\n", "length", 9))

    def test_completion_stream(self):
        chunks = list(client().completions.create(model=MODEL, prompt="The capital of France is", stream=True))
        self.assertEqual("".join(c.choices[0].text for c in chunks if c.choices), " Paris.\n\n")

    def test_tools_stream(self):
        tools = [{"type": "function", "function": {"name": "lookup", "parameters": LOOKUP}}]
        chunks = list(client().chat.completions.create(model=MODEL, messages=ASK, tools=tools, stream=True))
        said = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
        self.assertTrue(said.startswith("L'É"), said)
        self.assertEqual(chunks[-1].choices[0].finish_reason, "length")

    def test_responses(self):
        got = client().responses.create(model=MODEL, input="What is the capital of France?", store=False)
        self.assertEqual((got.output_text, got.status, got.incomplete_details.reason), (WHOLE, "incomplete", "max_output_tokens"))
        self.assertEqual((got.usage.input_tokens, got.usage.output_tokens), (37, 12))

    def test_responses_stream(self):
        events = list(client().responses.create(model=MODEL, input="What is the capital of France?", store=False, stream=True))
        self.assertEqual("".join(e.delta for e in events if e.type == "response.output_text.delta"), STREAMED)
        self.assertEqual((events[-1].type, events[-1].response.usage.input_tokens_details.cached_tokens), ("response.incomplete", 36))


class Anthropic(unittest.TestCase):
    def test_messages(self):
        got = anthropic_client().messages.create(model=MODEL, messages=ASK, max_tokens=12)
        self.assertEqual((got.content[0].text, got.stop_reason), (WHOLE, "max_tokens"))
        self.assertEqual((got.usage.input_tokens, got.usage.output_tokens), (37, 12))

    def test_messages_stream(self):
        with anthropic_client().messages.stream(model=MODEL, messages=ASK, max_tokens=8) as stream:
            self.assertEqual("".join(stream.text_stream), STREAMED)
            final = stream.get_final_message()
        self.assertEqual((final.stop_reason, final.usage.input_tokens, final.usage.cache_read_input_tokens, final.usage.output_tokens), ("max_tokens", 1, 36, 8))


if __name__ == "__main__":
    unittest.main()
