"""Joins the text of a later attempt to what was said before, so that nobody reads a word twice."""

from langchain_core.messages import AIMessageChunk
from langchain_core.outputs import ChatGenerationChunk

from reference_app.call import finish_of, reset

TELLING = 8
"""Characters an answer must have before their coming again is taken for a new beginning rather than for chance."""


class Splice:
    """Feed it chunks, and it returns those to say.

    Chunks are held back as long as they may be a repetition of what was said. A repetition is dropped. What differs is a
    continuation where the provider was asked to continue; where it began again, it is another answer, and a reset goes before.
    """

    def __init__(self, said: str, continues: bool) -> None:
        self.said, self.continues = said, continues
        self.held: list[ChatGenerationChunk] = []
        self._dropped = 0
        self._text = ""
        self._decided = not said or (continues and len(said) < TELLING)

    def take(self, chunk: ChatGenerationChunk) -> list[ChatGenerationChunk]:
        if self._decided:
            return [chunk]
        self.held.append(chunk)
        self._text += chunk.text
        if len(self._text) >= len(self.said) and self._text.startswith(self.said):
            return self._repetition()
        if not self.said.startswith(self._text) or finish_of(chunk):
            return self._other_text()
        return []

    def give_up(self) -> int:
        """The attempt is over; how many chunks with text were not passed on."""
        dropped = self._dropped + sum(bool(chunk.text) for chunk in self.held)
        self.held, self._dropped = [], 0
        return dropped

    def _repetition(self) -> list[ChatGenerationChunk]:
        *before, last = self._release()
        self._dropped += sum(bool(chunk.text) for chunk in before)
        rest = self._text[len(self.said) :]
        if rest == last.text:
            return [last]
        self._dropped += not rest
        if not rest and finish_of(last) is None:
            return []
        return [ChatGenerationChunk(message=AIMessageChunk(content=rest), generation_info=last.generation_info)]

    def _other_text(self) -> list[ChatGenerationChunk]:
        if self.continues:
            return self._release()
        return [reset(), *self._release()]

    def _release(self) -> list[ChatGenerationChunk]:
        self._decided, held, self.held = True, self.held, []
        return held
