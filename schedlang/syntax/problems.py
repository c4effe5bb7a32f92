"""What stops the parser, and where. `errors` tells it to people, and is imported only then."""

from __future__ import annotations

import sys
from typing import assert_never

from lark import Token, UnexpectedCharacters, UnexpectedToken

from schedlang.syntax.build import TooDeep, TooLarge

Problem = UnexpectedToken | UnexpectedCharacters | TooDeep | TooLarge
PROBLEMS = (UnexpectedToken, UnexpectedCharacters, TooDeep, TooLarge)


def place(problem: Problem) -> int:
    """Where the text stops being read."""
    match problem:
        case TooDeep() | TooLarge():
            return problem.span.start
        case UnexpectedToken(token=Token(type="$END")):
            return sys.maxsize
        case UnexpectedToken():
            return problem.token.start_pos or 0
        case UnexpectedCharacters():
            lexer = problem.interactive_parser.lexer_thread.state
            return lexer.line_ctr.char_pos if lexer else 0
        case _:
            assert_never(problem)
