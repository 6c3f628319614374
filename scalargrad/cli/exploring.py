"""The command `explore`: a server on this machine, and a browser that opens its page."""

from __future__ import annotations

import argparse
import os
import sys
import webbrowser
from collections.abc import Mapping
from threading import Thread

from ..errors import InputError
from ..explorer.explorer import Explorer
from ..explorer.live_expression import NotShown
from ..explorer.loopback import Loopback
from ..explorer.messages import State
from ..expressions.entries import read_expression
from ..expressions.tokens import quoted
from .reading import LineParser, given_values, options_first, refuse_unknown_options

#: what is shown where nothing is asked for: the example of the articles
FIRST, FIRST_VALUES = "(x + y) * z", ["x=1", "y=3", "z=-3"]
_EXAMPLES = """\
examples:
  scalargrad explore
  scalargrad explore "y = sigmoid(w*x + b)" w=2 x=0.5 b=-1
  scalargrad explore "x * log(x)" x=0.01 --port 8000 --no-browser

In the page one types an expression, moves its values, asks every part for its
rule and its gradient, and steps through both passes. A name without a value
is 1. The address holds all that is seen. The server answers this machine only,
and only who knows the address; Ctrl-C ends it.
"""


def explore(arguments: list[str]) -> int:
    """Serve an explorer until Ctrl-C, and return the exit status."""
    options = _read_options(arguments)
    if options is None:
        return 0
    with Loopback(_explorer(options), _port(options.port)) as server:
        try:
            print(f"explore: {server.address}\nCtrl-C ends it.", flush=True)
            if not options.no_browser and has_browser(os.environ, sys.platform):
                Thread(target=webbrowser.open, args=(server.address,), daemon=True).start()
            server.serve_forever()
        except KeyboardInterrupt:
            print("\nexplore has ended.", flush=True)
    return 0


def has_browser(environment: Mapping[str, str], platform: str) -> bool:
    """Tell whether a browser may open a window here: not over SSH, nor where there is no screen.

    >>> has_browser({"SSH_CONNECTION": "10.0.0.1 50000 10.0.0.2 22"}, "darwin")
    False
    """
    if "SSH_CONNECTION" in environment:
        return False
    screens = "DISPLAY", "WAYLAND_DISPLAY", "BROWSER"
    return platform in ("darwin", "win32") or any(name in environment for name in screens)


def _explorer(options: argparse.Namespace) -> Explorer:
    text, values = options.expression, options.values
    if text is None:
        text, values = FIRST, FIRST_VALUES
    _, formula = read_expression(text)
    try:
        return Explorer(State(text, given_values(formula, values)))
    except NotShown as reason:
        raise InputError(reason.said) from reason


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 6 and int(text) < 65536):
        raise InputError(
            f"--port: a number from 0 to 65535 is wanted; got {quoted(text)}; write --port 8000"
        )
    return int(text)


def _read_options(arguments: list[str]) -> argparse.Namespace | None:
    """Return the options, or None after `--help`."""
    parser = LineParser(
        prog="scalargrad explore",
        usage='scalargrad explore ["EXPRESSION"] [NAME=NUMBER ...] [OPTION ...]',
        description="Show a live picture of an expression in the browser.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
        add_help=False,
    )
    add = parser.add_argument
    add("expression", metavar="EXPRESSION", nargs="?", help=f'such as "{FIRST}", if none is given')
    add("values", metavar="NAME=NUMBER", nargs="*", help="what a name is to begin with (1)")
    options = [
        add("-h", "--help", action="help", help="show this help message and exit"),
        add(
            "--port",
            metavar="NUMBER",
            default="0",
            help="the port of the server (one that is free)",
        ),
        add("--no-browser", action="store_true", help="print the address and open no browser"),
    ]
    names = {name: option.nargs is None for option in options for name in option.option_strings}
    try:
        read = parser.parse_args(options_first(arguments, names))
    except SystemExit:
        return None
    given = [text for text in (read.expression, *read.values) if text is not None]
    refuse_unknown_options(given, names, parser.prog)
    return read
