"""Measurements of schedc itself. Not part of the wheel; `make bench` runs them."""
