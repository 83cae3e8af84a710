"""Prompts that the provider will not answer."""

import json

from faults.actions import Actions, Reply, Request
from faults.providers import error_of, error_reply, provider_of

# compl-ai issue 20
AZURE = (
    "The response was filtered due to the prompt triggering Azure OpenAI's content management policy. Please modify your "
    "prompt and retry. To learn more about our content filtering policies please read our documentation: "
    "https://go.microsoft.com/fwlink/?linkid=2198766"
)
SAFE = {"filtered": False, "severity": "safe"}
FOUND = {
    "hate": SAFE,
    "jailbreak": {"filtered": False, "detected": False},
    "self_harm": SAFE,
    "sexual": SAFE,
    "violence": {"filtered": True, "severity": "medium"},
}
# pal-mcp-server issue 178
OPENAI = (
    "Invalid prompt: your prompt was flagged as potentially violating our usage policy. Please try again with a different "
    "prompt: https://platform.openai.com/docs/guides/reasoning#advice-on-prompting"
)
OTHERS = {
    "anthropic": "Output blocked by content filtering policy",  # claude-code issue 58367
    "ollama": "prompt blocked by content filtering policy",  # Ollama has no filter: so a gateway in front of it would say
}


def prompt_filter(request: Request, azure: bool = True) -> Actions:
    """Answer 400 because of what the prompt says: as Azure does, or without `azure` as OpenAI itself."""
    provider = provider_of(request.path)
    if provider != "openai":
        yield error_reply(request.path, 400, OTHERS[provider])
    elif azure:
        yield Reply(400, {"content-type": "application/json"}, json.dumps(_azure(request.path)).encode())
    else:
        yield error_reply(request.path, 400, OPENAI, code="invalid_prompt")


def _azure(path: str) -> dict[str, object]:
    said = error_of(path, 400, AZURE, code="content_filter")
    inner = {"code": "ResponsibleAIPolicyViolation", "content_filter_result": FOUND}
    said["error"] |= {"type": None, "param": "prompt", "status": 400, "innererror": inner}
    return said
