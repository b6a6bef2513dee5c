"""Files and batches by the official Python SDK, against the real model."""

import io
import json
import unittest

import openai

from test_sdk import MODEL, client, wait


def lines(n, endpoint="/v1/chat/completions"):
    return "".join(
        json.dumps({
            "custom_id": f"request-{i}", "method": "POST", "url": endpoint,
            "body": {"model": MODEL, "max_tokens": 4, "seed": i, "messages": [{"role": "user", "content": f"Tale {i:03}"}]},
        }) + "\n"
        for i in range(n)
    ).encode()


class Files(unittest.TestCase):
    def test_a_file_comes_back(self):
        c = client()
        content = lines(3)
        f = c.files.create(file=("in.jsonl", io.BytesIO(content)), purpose="batch", expires_after={"anchor": "created_at", "seconds": 3600})
        self.assertEqual((f.object, f.bytes, f.filename, f.purpose), ("file", len(content), "in.jsonl", "batch"))
        self.assertEqual(f.expires_at, f.created_at + 3600)
        self.assertEqual(c.files.content(f.id).read(), content)
        self.assertIn(f.id, [x.id for x in c.files.list(purpose="batch", limit=1)])  # the SDK turns the pages
        self.assertTrue(c.files.delete(f.id).deleted)
        with self.assertRaises(openai.NotFoundError):
            c.files.retrieve(f.id)

    def test_a_wrong_purpose_is_named(self):
        with self.assertRaises(openai.BadRequestError) as caught:
            client().files.create(file=("in.jsonl", io.BytesIO(b"{}")), purpose="lunch")
        self.assertEqual(caught.exception.param, "purpose")


class Batches(unittest.TestCase):
    def run_batch(self, content, status="completed"):
        c = client()
        f = c.files.create(file=("in.jsonl", io.BytesIO(content)), purpose="batch")
        b = c.batches.create(input_file_id=f.id, endpoint="/v1/chat/completions", completion_window="24h", metadata={"who": "me"})
        self.assertEqual((b.status, b.metadata), ("validating", {"who": "me"}))
        wait(f"the batch is {status}", lambda: c.batches.retrieve(b.id).status == status, 60)
        return c, c.batches.retrieve(b.id)

    def test_answers_come_in_order(self):
        c, b = self.run_batch(lines(12))
        self.assertEqual((b.request_counts.total, b.request_counts.completed, b.request_counts.failed), (12, 12, 0))
        self.assertIsNone(b.error_file_id)
        out = [json.loads(line) for line in c.files.content(b.output_file_id).text.splitlines()]
        self.assertEqual([o["custom_id"] for o in out], [f"request-{i}" for i in range(12)])
        for o in out:
            self.assertEqual((o["response"]["status_code"], o["error"]), (200, None))
            self.assertTrue(o["response"]["body"]["choices"][0]["message"]["content"])
        self.assertEqual(b.usage.output_tokens, sum(o["response"]["body"]["usage"]["completion_tokens"] for o in out))

    def test_a_bad_request_stands_in_the_error_file(self):
        bad = lines(2) + lines(1).replace(b"request-0", b"bad").replace(b'"seed": 0', b'"seed": "x"')
        c, b = self.run_batch(bad)
        self.assertEqual((b.request_counts.completed, b.request_counts.failed), (2, 1))
        error = json.loads(c.files.content(b.error_file_id).text)
        self.assertEqual((error["custom_id"], error["response"]["status_code"], error["response"]["body"]["error"]["param"]), ("bad", 400, "seed"))

    def test_a_bad_file_fails_with_its_lines(self):
        _, b = self.run_batch(b"{}\n" + lines(1), "failed")
        self.assertEqual((b.errors.data[0].line, b.errors.data[0].param), (1, "custom_id"))

    def test_batches_are_listed_and_cancelled(self):
        c, b = self.run_batch(lines(1))
        self.assertIn(b.id, [x.id for x in c.batches.list(limit=2)])
        with self.assertRaises(openai.BadRequestError):
            c.batches.cancel(b.id)
        with self.assertRaises(openai.NotFoundError):
            c.batches.retrieve("batch_none")
