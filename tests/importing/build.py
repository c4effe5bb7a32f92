"""Imports of texts that are right, and what is wrong with those that are not."""

from __future__ import annotations

from schedlang.diagnostics.model import Diagnostic
from schedlang.importing.draft import Draft
from schedlang.importing.layered_policy import layered_policy
from schedlang.importing.layered_read import read_layers
from schedlang.importing.layered_spec import Layer
from schedlang.importing.nice_policy import nice_policy
from schedlang.importing.nice_rules import Rules, read_rules
from schedlang.source import Source


def draft_of_layers(source: Source, name: str) -> Draft:
    read = read_layers(source)
    layers = tuple(one for one in read if isinstance(one, Layer))
    assert len(layers) == len(read), read
    return layered_policy(layers, name, source.name)


def draft_of_rules(sources: tuple[Source, ...], name: str) -> Draft:
    read = read_rules(sources)
    assert isinstance(read, Rules), read
    return nice_policy(read, name, [source.name for source in sources])


def wrong_layers(text: str) -> list[Diagnostic]:
    read = read_layers(Source("a.json", text))
    return [one for one in read if isinstance(one, Diagnostic)]


def wrong_rules(text: str) -> list[Diagnostic]:
    read = read_rules((Source("a.rules", text),))
    return [] if isinstance(read, Rules) else list(read)
