"""Analyses reviews: a file in, one JSON line out for each of its rows. `python -m reference_app.reviews IN --out OUT.jsonl`."""
