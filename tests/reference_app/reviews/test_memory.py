"""Memory does not grow with the file; `python -m tests.reference_app.reviews.memory` does it with a million rows."""

import pytest

from tests.reference_app.reviews.memory import measure


@pytest.mark.timeout(900)
def test_memory_is_the_same_for_five_times_as_many_rows():
    """20,000 and 100,000 rows, each in a process of its own, behind a model that answers at once."""
    few, many = measure(20_000), measure(100_000)
    print(f"{few}; {many}")
    assert many.peak_mb < few.peak_mb + 8
