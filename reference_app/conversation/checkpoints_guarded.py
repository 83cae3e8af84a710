"""A saver that answers in time, or says that it is down."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver, ChannelVersions, Checkpoint, CheckpointMetadata, CheckpointTuple

Guard = Callable[[Any], Awaitable[Any]]


class Guarded(BaseCheckpointSaver[str]):
    """Another saver, each of whose operations goes through `guard`."""

    def __init__(self, saver: BaseCheckpointSaver[str], guard: Guard) -> None:
        super().__init__(serde=saver.serde)
        self.saver, self.guard = saver, guard

    def get_next_version(self, current: str | None, channel: None) -> str:
        return self.saver.get_next_version(current, channel)

    async def aget_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        found: CheckpointTuple | None = await self.guard(self.saver.aget_tuple(config))
        return found

    async def alist(self, config: RunnableConfig | None, **how: Any) -> AsyncIterator[CheckpointTuple]:
        async for found in self.saver.alist(config, **how):
            yield found

    async def aput(
        self, config: RunnableConfig, checkpoint: Checkpoint, metadata: CheckpointMetadata, new_versions: ChannelVersions
    ) -> RunnableConfig:
        saved: RunnableConfig = await self.guard(self.saver.aput(config, checkpoint, metadata, new_versions))
        return saved

    async def aput_writes(
        self, config: RunnableConfig, writes: Sequence[tuple[str, Any]], task_id: str, task_path: str = ""
    ) -> None:
        await self.guard(self.saver.aput_writes(config, writes, task_id, task_path))

    async def adelete_thread(self, thread_id: str) -> None:
        await self.guard(self.saver.adelete_thread(thread_id))
