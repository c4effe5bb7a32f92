"""The reference interpreter of the typed policy (docs/machine.md)."""
