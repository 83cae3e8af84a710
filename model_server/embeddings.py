"""Embeddings: pure. Texts that share words, or parts of words, point in similar directions; every vector has length 1."""

import re
from collections import Counter
from functools import lru_cache
from hashlib import shake_128
from unicodedata import normalize

import numpy as np
from numpy.typing import NDArray

from model_server.answers import CJK

DIMENSIONS = 768
CONTEXT = 8192
"""Tokens of an input at most, as with OpenAI's models."""
READ = 4096
"""Characters that are looked at: more would hold up all streams for longer than some 10 ms."""
GRAM = 3
GRAM_WEIGHT = 1.5
"""Of a word's three-letter parts, all together, beside 1 for the word: `databases` has to be close to `database`."""
_WORD = re.compile(rf"[{CJK}]|[^\W{CJK}]+")
Vector = NDArray[np.float32]


def embed(text: str, dimensions: int = DIMENSIONS) -> Vector:
    """Its direction, in as many of the dimensions as are asked for; those of a shorter one begin a longer one."""
    features = _features(normalize("NFKC", text[:READ]).casefold())
    bits = np.frombuffer(b"".join(map(_direction, features)), dtype=np.uint8).reshape(len(features), DIMENSIONS // 8)
    weights = np.fromiter(features.values(), dtype=np.float32)
    # A bit is a sign: 2 * bit - 1.
    total = 2 * (weights @ np.unpackbits(bits, axis=1, count=dimensions).astype(np.float32)) - weights.sum()
    length = np.linalg.norm(total)
    if length < 1e-3:  # directions that cancel each other out, in one or two dimensions
        total, length = np.eye(1, dimensions, dtype=np.float32)[0], np.float32(1)
    vector: Vector = (total / length).astype(np.float32)
    return vector


@lru_cache(2**14)
def _direction(feature: str) -> bytes:
    """A sign for each dimension; those of two features have nothing to do with each other."""
    return shake_128(feature.encode(errors="surrogatepass")).digest(DIMENSIONS // 8)


def _features(text: str) -> dict[str, float]:
    """Words and their parts, weighted; a long word says more than a short one, the second time less than the first."""
    counts = Counter(_WORD.findall(text))
    features: dict[str, float] = {}
    for word, count in counts.items():
        weight = min(len(word), 8) * count**0.5
        features[word] = features.get(word, 0) + weight
        padded = f" {word} "
        parts = ["#" + padded[at : at + GRAM] for at in range(len(padded) - GRAM + 1)]
        for part in parts:
            features[part] = features.get(part, 0) + weight * GRAM_WEIGHT / len(parts) ** 0.5
    return features or {text: 1.0}
