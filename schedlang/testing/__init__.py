"""A policy's `test` blocks, run and judged."""
