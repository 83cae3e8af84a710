"""as_published: not a feature but another app, the articles' own; it is named alone."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reference_app.means import Means
    from reference_app.model import ResilientChatModel
    from reference_app.settings import Settings

ALONE = "as_published"


def as_published(_: "Means") -> None:
    """It is a model of its own, made below, instead of the one that our features are around."""


def published_model(settings: "Settings", model: "ResilientChatModel") -> "ResilientChatModel":
    """Instead of `model`, with what it has beside features. Imports langchain-community, which nobody else has to wait for."""
    from reference_app.as_published.model import PublishedModel

    return PublishedModel.of(settings, model)
