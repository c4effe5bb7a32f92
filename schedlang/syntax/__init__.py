"""Text to syntax tree and back: grammar, tree, parser, formatter."""
