"""A model within the process, for what needs no provider."""

import asyncio
from typing import Any

from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessageChunk
from langchain_core.outputs import ChatGenerationChunk


class Speaker(BaseChatModel):
    """Says as many words as the question has, one a chunk."""

    model: str = "m"
    base_url: str = "http://nobody"

    @property
    def _llm_type(self) -> str:
        return "speaker"

    def _generate(self, *_: Any, **__: Any) -> Any:
        raise NotImplementedError

    def _chat_params(self, messages: Any, stop: Any, **_: Any) -> dict[str, Any]:
        return {"model": self.model, "messages": [message.content for message in messages], "stop": stop}

    async def _astream(self, messages: Any, *_: Any, **__: Any) -> Any:
        for _word in messages[-1].content.split():
            # As over a network: whoever waits for it is woken.
            await asyncio.sleep(0)
            yield ChatGenerationChunk(message=AIMessageChunk(content="word "))
        yield ChatGenerationChunk(message=AIMessageChunk(content=""), generation_info={"done_reason": "stop"})
