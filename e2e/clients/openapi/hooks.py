"""Makes what schemathesis generates reach the engine: most requests would end at a model that nobody serves.

Only what the document allows is changed, so that what it does not allow still must be refused. LEAT_TEST_CALLS is a file
for a line per call: the operation, whether the document allows the request, and the status.
"""

import os

import schemathesis

MODEL = "sim"
MOST = {"n": 2, "max_tokens": 4, "max_completion_tokens": 4, "max_output_tokens": 4}


@schemathesis.hook
def before_call(context, case, kwargs):
    if not (case.meta and case.meta.generation.mode.is_positive):
        return
    body = case.body
    if isinstance(body, dict):
        if isinstance(body.get("model"), str):
            body["model"] = MODEL
        for name, most in MOST.items():  # answers as long as a number allows would take hours
            if type(body.get(name)) is int:
                body[name] = min(body[name], most)
        if "max_tokens" in body and "max_completion_tokens" in body:
            del body["max_tokens"]
    if case.headers:  # a time-out of a millisecond is a 504, as it should be
        case.headers = {k: v for k, v in case.headers.items() if k.lower() != "x-leat-timeout"}


@schemathesis.hook
def after_call(context, case, response):
    allowed = "allowed" if case.meta and case.meta.generation.mode.is_positive else "not"
    with open(os.environ["LEAT_TEST_CALLS"], "a") as f:
        f.write(f"{case.method} {case.path} {allowed} {response.status_code}\n")
