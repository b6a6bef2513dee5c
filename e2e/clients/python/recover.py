"""Calls a gateway that has no worker yet, says each answer's status on a line, and must succeed by the SDK's retries."""

import os

import openai

http = openai.DefaultHttpxClient(event_hooks={"response": [lambda r: print(r.status_code, flush=True)]})
client = openai.OpenAI(base_url=os.environ["LEAT_TEST_URL"] + "/v1", api_key="none", max_retries=9, http_client=http)
answer = client.completions.create(model="smollm2-135m-instruct", prompt="The mill", max_tokens=2)
assert answer.usage.completion_tokens > 0, answer
