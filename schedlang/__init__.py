"""schedc: a language for Linux CPU schedulers, with proofs."""
