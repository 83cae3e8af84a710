"""What may not be asked."""

import json

from faults.actions import Request
from faults.kinds.prompt_filter import prompt_filter

OPENAI = Request("r", path="/v1/chat/completions")


def test_azures_shape():
    (reply,) = prompt_filter(OPENAI)

    error = json.loads(reply.body)["error"]
    assert (reply.status, error["code"], error["type"], error["param"], error["status"]) == (
        400,
        "content_filter",
        None,
        "prompt",
        400,
    )
    assert error["message"].startswith("The response was filtered due to the prompt triggering Azure OpenAI's content")
    assert error["innererror"]["code"] == "ResponsibleAIPolicyViolation"
    found = error["innererror"]["content_filter_result"]
    assert [name for name, told in found.items() if told["filtered"]] == ["violence"]
    assert found.keys() == {"hate", "jailbreak", "self_harm", "sexual", "violence"}


def test_openais_shape():
    (reply,) = prompt_filter(OPENAI, azure=False)

    error = json.loads(reply.body)["error"]
    assert (reply.status, error["type"], error["code"]) == (400, "invalid_request_error", "invalid_prompt")


def test_the_others():
    anthropic, ollama = [next(prompt_filter(Request("r", path=path))) for path in ("/v1/messages", "/api/chat")]

    assert (anthropic.status, ollama.status) == (400, 400)
    assert json.loads(anthropic.body)["error"] == {
        "type": "invalid_request_error",
        "message": "Output blocked by content filtering policy",
    }
    assert json.loads(ollama.body) == {"error": "prompt blocked by content filtering policy"}
