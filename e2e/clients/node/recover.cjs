// Calls a gateway that has no worker yet, says each answer's status on a line, and must succeed by the SDK's retries.
"use strict";
const assert = require("node:assert/strict");
const OpenAI = require("openai");

const watched = async (...args) => {
  const r = await fetch(...args);
  console.log(r.status);
  return r;
};
const client = new OpenAI({ baseURL: process.env.LEAT_TEST_URL + "/v1", apiKey: "none", maxRetries: 9, fetch: watched });
client.completions.create({ model: "smollm2-135m-instruct", prompt: "The mill", max_tokens: 2 }).then((answer) => assert.ok(answer.usage.completion_tokens > 0));
