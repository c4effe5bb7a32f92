"""Typed policy to verdicts: properties, obligations, solver, refutations."""
