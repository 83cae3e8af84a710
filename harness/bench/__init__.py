"""What the parts cost: each figure with its spread, beside what it is compared to in the same run."""
