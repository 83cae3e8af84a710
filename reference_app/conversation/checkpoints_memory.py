"""Checkpoints in the memory of this process: gone with it, and unknown to any other."""

from collections import OrderedDict
from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING, Any

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver, ChannelVersions, Checkpoint, CheckpointMetadata, CheckpointTuple
from langgraph.checkpoint.memory import InMemorySaver

if TYPE_CHECKING:
    from reference_app.settings import Settings


class MemorySaver(BaseCheckpointSaver[str]):
    """LangGraph's own, one for each thread: one for all grows without end, and looks at everything to delete one."""

    def __init__(self, max_threads: int) -> None:
        super().__init__()
        self.max_threads = max_threads
        self._of: OrderedDict[str, InMemorySaver] = OrderedDict()

    def _used(self, config: RunnableConfig) -> InMemorySaver:
        """The thread's own; the least recently used thread leaves for a new one."""
        thread = config["configurable"]["thread_id"]
        self._of[thread] = saver = self._of.pop(thread, None) or InMemorySaver(serde=self.serde)
        while len(self._of) > self.max_threads:
            self._of.popitem(last=False)
        return saver

    def get_next_version(self, current: str | None, channel: None) -> str:
        return _VERSIONS.get_next_version(current, channel)

    async def aget_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        known = config["configurable"]["thread_id"] in self._of
        return self._used(config).get_tuple(config) if known else None

    async def alist(self, config: RunnableConfig | None, **how: Any) -> AsyncIterator[CheckpointTuple]:
        for found in self._used(config).list(config, **how) if config else ():
            yield found

    async def aput(
        self, config: RunnableConfig, checkpoint: Checkpoint, metadata: CheckpointMetadata, new_versions: ChannelVersions
    ) -> RunnableConfig:
        return self._used(config).put(config, checkpoint, metadata, new_versions)

    async def aput_writes(
        self, config: RunnableConfig, writes: Sequence[tuple[str, Any]], task_id: str, task_path: str = ""
    ) -> None:
        self._used(config).put_writes(config, writes, task_id, task_path)

    async def adelete_thread(self, thread_id: str) -> None:
        self._of.pop(thread_id, None)

    def keep_latest(self, thread: str) -> None:
        """Puts the latest checkpoint into a saver of its own, and drops the others with theirs."""
        latest = self._of[thread].get_tuple({"configurable": {"thread_id": thread}}) if thread in self._of else None
        if latest is None or latest.pending_writes:
            return
        at: RunnableConfig = {"configurable": {"thread_id": thread, "checkpoint_ns": ""}}
        kept = InMemorySaver(serde=self.serde)
        kept.put(at, latest.checkpoint, latest.metadata, latest.checkpoint["channel_versions"])
        self._of[thread] = kept


_VERSIONS = InMemorySaver()


class MemoryStore:
    """Never down."""

    failures: tuple[type[Exception], ...] = ()

    def __init__(self, max_threads: int) -> None:
        self.saver = MemorySaver(max_threads)

    async def open(self) -> None:
        pass

    async def take(self, thread: str) -> bool:
        return True

    async def give_back(self, thread: str) -> bool:
        return True

    async def prune(self, thread: str) -> None:
        self.saver.keep_latest(thread)

    async def aclose(self) -> None:
        pass


def open_store(settings: "Settings") -> MemoryStore:
    return MemoryStore(settings.checkpoints_max_threads)
