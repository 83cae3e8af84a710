"""What the routes of both APIs reply with, where nothing is generated."""

import asyncio

import orjson
from starlette.responses import Response

from model_server.embeddings import Vector, embed


def json_reply(value: object, status: int = 200, media_type: str = "application/json") -> Response:
    body = orjson.dumps(value, option=orjson.OPT_UTC_Z | orjson.OPT_SERIALIZE_NUMPY)
    return Response(body, status, media_type=media_type)


async def vectors(texts: list[str], dimensions: int) -> list[Vector]:
    """An embedding for each text; between one and the next, the streams have their turn."""
    told = []
    for text in texts:
        told.append(embed(text, dimensions))
        await asyncio.sleep(0)
    return told
