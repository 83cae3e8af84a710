"""The models of a server: under which names, how fast each speaks, and how many each serves at once."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from model_server.physics import Physics
from model_server.slots import Slots

EMBEDDER = "nomic-embed-text"
"""The name of Ollama's own example of a model for embeddings, whose vectors have 768 dimensions, as ours."""


@dataclass(frozen=True)
class Model:
    """One model. Its slots are its own, as OLLAMA_NUM_PARALLEL counts them; the queue before them is the server's."""

    name: str
    physics: Physics
    slots: Slots
    is_first: bool = True
    speaks: bool = True
    """Otherwise it only embeds, which takes no slot."""


class Models:
    """The first of `physics`, those beside it, and one for embeddings alone."""

    def __init__(self, physics: Physics) -> None:
        # One seed, and as OLLAMA_MAX_QUEUE one queue, for all of them.
        others = [replace(one, seed=physics.seed, queue=physics.queue) for one in physics.also]
        every: list[Slots] = []
        found = [
            Model(one.model, one, Slots(one.slots, physics.queue, every), is_first=one is physics) for one in (physics, *others)
        ]
        self.first = found[0]
        self._by_name = {plain(one.name): one for one in found}
        embedder = Model(EMBEDDER, physics, self.first.slots, is_first=False, speaks=False)
        self._by_name.setdefault(plain(EMBEDDER), embedder)

    def __iter__(self) -> Iterator[Model]:
        return iter(self._by_name.values())

    def named(self, name: str) -> Model | None:
        """Also by its name with or without `:latest`, as with Ollama."""
        return self._by_name.get(plain(name))


def plain(name: str) -> str:
    """What two names of one model have in common."""
    return name.removesuffix(":latest")


def twice(models: Sequence[Physics]) -> list[str]:
    """The names that one before has already."""
    names = [plain(one.model) for one in models]
    return [one.model for at, one in enumerate(models) if names[at] in names[:at]]
