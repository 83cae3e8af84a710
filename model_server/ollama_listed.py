"""What Ollama tells of its models: pure."""

from datetime import datetime
from hashlib import blake2b
from typing import Any

from model_server.embeddings import CONTEXT, DIMENSIONS
from model_server.models import Model

_SPEAKING: dict[str, Any] = {
    "details": {
        "parent_model": "",
        "format": "gguf",
        "family": "llama",
        "families": ["llama"],
        "parameter_size": "8.0B",
        "quantization_level": "Q4_K_M",
    },
    "size": 4_920_753_328,
}
_EMBEDDING: dict[str, Any] = {
    "details": {
        "parent_model": "",
        "format": "gguf",
        "family": "nomic-bert",
        "families": ["nomic-bert"],
        "parameter_size": "137M",
        "quantization_level": "F16",
    },
    "size": 274_302_450,
}


def listed(model: Model) -> dict[str, Any]:
    """A line of /api/tags."""
    name = model.name if ":" in model.name else f"{model.name}:latest"
    digest = blake2b(name.encode(), digest_size=32).hexdigest()
    return {"name": name, "model": name, "digest": digest, **_sort(model)}


def running(model: Model, expires_at: datetime) -> dict[str, Any]:
    """A line of /api/ps."""
    told = listed(model)
    return {**told, "expires_at": expires_at, "size_vram": told["size"], "context_length": CONTEXT}


def described(model: Model) -> dict[str, Any]:
    """What is the model's own in /api/show."""
    family = _sort(model)["details"]["family"]
    length = {f"{family}.context_length": CONTEXT, f"{family}.embedding_length": DIMENSIONS}
    return {
        "details": _sort(model)["details"],
        "model_info": {"general.architecture": family, **length},
        "capabilities": ["completion", "tools", "embedding"] if model.speaks else ["embedding"],
    }


def _sort(model: Model) -> dict[str, Any]:
    return _SPEAKING if model.speaks else _EMBEDDING
