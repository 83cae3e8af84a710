"""The language the rooms share: rows, run folders, keyed chance, proofs, and how bad input is told."""
