"""Retry-After in all of its forms."""

import pytest

from reference_app.retry_after import retry_after_s


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "3"}, 3.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after": "-3"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after-ms": "nan"}, None),
        ({"retry-after": "Fri, 20 Nov 2026 16:00:09 GMT", "date": "Fri, 20 Nov 2026 16:00:02 GMT"}, 7.0),
        ({"retry-after": "Fri, 20 Nov 2026 16:00:09 GMT"}, None),
        ({"retry-after-ms": "1500", "retry-after": "2"}, 1.5),
        ({"retry-after-ms": "soon", "retry-after": "2"}, 2.0),
    ],
)
def test_retry_after_in_all_forms(headers, seconds):
    assert retry_after_s(headers) == seconds
