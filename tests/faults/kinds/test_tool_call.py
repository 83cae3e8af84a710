"""Tool calls cut short."""

import json

import pytest

from faults.kinds.tool_call import truncated_tool_call
from tests.faults.wires import (
    ANTHROPIC,
    ANTHROPIC_CALL,
    OLLAMA,
    OLLAMA_CALL,
    OPENAI,
    OPENAI_CALL,
    anthropic,
    called,
    ollama,
    openai,
    play,
    play_json,
)


def test_openais_arguments_stop_and_the_finish_reason_is_good():
    played = play(truncated_tool_call, OPENAI_CALL, keep=9)

    short = [openai(called(text)) for text in ('{"ci', 'ty":"', "", "")]
    assert played.actions == [OPENAI_CALL[0], *short, *OPENAI_CALL[5:]]
    assert (played.struck[0]["message"], b'"finish_reason":"tool_calls"' in played.body) == (2, True)


@pytest.mark.parametrize("keep", range(22))
def test_what_is_left_is_never_json(keep):
    """Of what is as short as this, all is left."""
    played = play(truncated_tool_call, OPENAI_CALL, keep=keep)
    frames = [json.loads(action.removeprefix(b"data: ")) for action in played.actions[:-1]]
    calls = [call for one in frames for call in one["choices"][0]["delta"].get("tool_calls", ())]
    arguments = "".join(call["function"]["arguments"] for call in calls)

    assert arguments == '{"city":"Köln","n":2}'[:keep]
    assert bool(played.struck) == (keep < 21)


def test_each_call_is_cut_by_itself():
    both = {"tool_calls": [{"index": n, "function": {"arguments": text}} for n, text in enumerate(('{"a":1}', '{"bb":22}'))]}
    played = play(truncated_tool_call, [openai(both)], keep=8)

    assert b'"{\\"a\\":1}"' in played.body and b'"{\\"bb\\":22"' in played.body


def test_anthropics_json_stops():
    played = play(truncated_tool_call, ANTHROPIC_CALL, "anthropic", keep=10)

    short = anthropic("content_block_delta", index=1, delta={"type": "input_json_delta", "partial_json": '"K'})
    assert played.actions == [*ANTHROPIC_CALL[:2], short, ANTHROPIC_CALL[3]]


def test_ollama_passes_on_as_content_what_is_no_call():
    played = play(truncated_tool_call, OLLAMA_CALL, "ollama", keep=11)

    assert played.actions == [ollama({"content": '{"name":"f","arguments":{"city":"Kö'}), OLLAMA_CALL[1]]
    assert play(truncated_tool_call, OLLAMA_CALL, "ollama", keep=99).struck == []


def test_json_bodies_are_cut_too():
    call = {"id": "call-1", "type": "function", "function": {"name": "f", "arguments": '{"city":"Rom"}'}}
    message = {"role": "assistant", "content": None, "tool_calls": [call]}
    body = json.dumps({"choices": [{"index": 0, "message": message, "finish_reason": "tool_calls"}]}, separators=(",", ":"))
    played = play_json(truncated_tool_call, [body.encode()], keep=9)

    assert played.body == body.replace('{\\"city\\":\\"Rom\\"}', '{\\"city\\":\\"').encode()
    (line,) = [ollama(json.loads(OLLAMA_CALL[0])["message"], done=True)]
    assert b'"content":"{\\"name\\":\\"f\\",' in play_json(truncated_tool_call, [line.strip()], "ollama").body


@pytest.mark.parametrize(
    ("provider", "stream"),
    [
        ("ollama", OLLAMA),
        ("openai", OPENAI),
        ("anthropic", ANTHROPIC),
        (
            "openai",
            [openai({"content": '"tool_calls"'}), openai({"tool_calls": None}), openai({"tool_calls": [1, {"function": 2}]})],
        ),
        ("ollama", [ollama({"tool_calls": {"function": {"name": "f"}}}), b'{"tool_calls":\n', b"[]\n"]),
    ],
)
def test_who_calls_no_tool_is_left_alone(provider, stream):
    played = play(truncated_tool_call, stream, provider)

    assert (played.actions, played.struck) == (stream, [])
