"""Syntax tree to typed policy: names, types, intervals, the rules that proofs depend on."""
