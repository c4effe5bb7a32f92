"""Findings about a policy: the type, the registry of codes, the renderers, the explain pages."""
