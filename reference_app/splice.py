"""Joins the text of a later attempt to what was said before, so that nobody reads a word twice."""

from langchain_core.outputs import ChatGenerationChunk

from reference_app.call import finish_of, is_text, reset

TELLING = 8
"""Characters an answer must have before their coming again is taken for a new beginning rather than for chance."""


def is_telling(said: str) -> bool:
    """Whether an answer that begins again could be told from one that goes on after `said`."""
    return len(said.strip()) >= TELLING


def what_is(text: str, said: str, continues: bool, ended: bool) -> str | None:
    """What a later attempt's `text` is to what was said: "repetition", "continuation", "another"; None while it is open.

    >>> what_is("The answer was", "The answer is", continues=True, ended=False)
    'another'
    >>> what_is(" 42", "The answer is", continues=True, ended=False)
    'continuation'
    """
    if text.startswith(said):
        return "repetition"
    # A new beginning may come with another blank before it than the first had.
    begin, new = said.lstrip(), text.lstrip()
    if begin.startswith(new) and not ended:
        return None
    if continues and new[:TELLING] != begin[:TELLING]:
        return "continuation"
    return "another"


class Splice:
    """Feed it chunks, and it returns those to say.

    Chunks are held back until it is clear what they are: a repetition of what was said is dropped, a continuation is passed
    on, and before another answer goes a reset. Only a provider that was asked to continue is believed to.
    """

    def __init__(self, said: str, continues: bool) -> None:
        self.said, self.continues = said, continues
        self.held: list[ChatGenerationChunk] = []
        self._dropped = 0
        self._text = ""
        self._decided = not said

    def take(self, chunk: ChatGenerationChunk) -> list[ChatGenerationChunk]:
        if self._decided:
            return [chunk]
        self.held.append(chunk)
        self._text += chunk.text
        what = what_is(self._text, self.said, self.continues, finish_of(chunk) is not None)
        if what is None:
            return []
        self._decided, held, self.held = True, self.held, []
        if what == "repetition":
            return self._without_repetition(held)
        return [reset(), *held] if what == "another" else held

    def give_up(self) -> int:
        """The attempt is over; how many chunks with text were not passed on."""
        dropped = self._dropped + sum(bool(chunk.text) for chunk in self.held)
        self.held, self._dropped = [], 0
        return dropped

    def _without_repetition(self, held: list[ChatGenerationChunk]) -> list[ChatGenerationChunk]:
        *before, last = held
        rest = self._text[len(self.said) :]
        self._dropped += sum(bool(chunk.text) for chunk in before) + bool(last.text and not rest)
        out = [_saying("", chunk) for chunk in before if _carries_more(chunk)]
        return [*out, _saying(rest, last)] if rest or _carries_more(last) else out


def _carries_more(chunk: ChatGenerationChunk) -> bool:
    return bool(chunk.generation_info) or not is_text(chunk)


def _saying(text: str, chunk: ChatGenerationChunk) -> ChatGenerationChunk:
    """The chunk with this text, and with whatever else it carries: tool calls, usage, the finish."""
    if text == chunk.text:
        return chunk
    message = chunk.message.model_copy(update={"content": text})
    return ChatGenerationChunk(message=message, generation_info=chunk.generation_info)
