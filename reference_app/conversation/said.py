"""The answer that chunks make, and whether it may become part of a conversation."""

from langchain_core.messages import AIMessageChunk

from reference_app.call import finish_in
from reference_app.errors import TruncatedStream
from reference_app.features.cache import COMPLETE


class Said:
    """Notes the chunks as they come."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._finish: str | None = None

    def note(self, chunk: AIMessageChunk) -> None:
        if "reset" in chunk.additional_kwargs:
            self._pieces.clear()
        self._pieces.append(chunk.text)
        self._finish = finish_in(chunk.response_metadata) or self._finish

    @property
    def text(self) -> str:
        return "".join(self._pieces)

    def kept(self) -> str | None:
        """What the model is to know as its own words: not an apology that was said instead, and not silence.

        What broke off is no answer here, with or without the feature that mends it.
        """
        if self._finish is None:
            raise TruncatedStream("the answer ended without saying that it is complete")
        return self.text or None if self._finish in COMPLETE else None
