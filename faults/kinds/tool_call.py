"""Tool calls that must not be executed."""

from faults.actions import Actions, Count, Message
from faults.frames import Object, arguments_of, objects, value_of, with_value, written


def truncated_tool_call(message: Message, memory: dict[str, int], keep: Count = 8) -> Actions:
    """Cut the arguments of tool calls after `keep` characters, in streams and JSON bodies; the finish_reason stays good.

    Ollama's arguments are an object, which cannot be cut. Where its model's JSON breaks off, Ollama sees no tool call in it and
    passes on as content what was said (ollama-python issue 279 shows such content): so does this.
    """
    value = value_of(message) if b"tool_calls" in message.data or b"partial_json" in message.data else {}
    cut = [_cut(*one, memory, keep) for one in arguments_of(value)]
    unmade = [_unmade(said, keep) for said in objects(value, "message")]
    yield with_value(message, value) if any(cut + unmade) else message.data


def _cut(whose: str, holder: Object, name: str, memory: dict[str, int], keep: int) -> bool:
    """Whether it had to be cut; `memory` counts the characters of each call."""
    left, text = max(0, keep - memory.get(whose, 0)), holder[name]
    memory[whose] = memory.get(whose, 0) + len(text)
    holder[name] = text[:left]
    return len(text) > left


def _unmade(said: Object, keep: int) -> bool:
    """The same for a message of Ollama's: what is left of its first call becomes content."""
    for function in [function for call in objects(said, "tool_calls") for function in objects(call, "function")][:1]:
        name, arguments = written(function.get("name")).decode(), written(function.get("arguments")).decode()
        if len(arguments) > keep:
            del said["tool_calls"]
            said["content"] = f'{{"name":{name},"arguments":{arguments[:keep]}'
            return True
    return False
