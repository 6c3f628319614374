"""One page of HTML that carries all it needs and can reach nothing else."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from ...core.markup import escaped

#: a wider picture stands above everything else, not beside the values
WIDE = 900.0
# what JSON leaves alone, but ends a script or a line of one
_DANGEROUS = {character: f"\\u{ord(character):04x}" for character in "<>&\u2028\u2029"}


def page(*, title: str, picture: str, note: str, data: Any, rows: str) -> str:
    """Return the page: `picture` is SVG, `rows` the script that binds `ROWS`; texts are escaped.

    Its content policy forbids everything but the style sheet and the script that stand in it.
    """
    wide = re.findall(r'^<svg [^>]*? width="([^"]+)"', picture)[0]
    style = joined("paper.css", "page.css").replace("WIDE", wide)
    scripts = joined("elements.js", "numbers.js", "answers.js", "page.js", "walking.js")
    script = "\n".join(['"use strict";', rows, scripts])
    parts = {
        "title": escaped(title),
        "policy": content_policy(script, style),
        "style": style,
        "picture": picture,
        "layout": "wide" if float(wide) > WIDE else "",
        "note": escaped(note),
        "data": as_json(data),
        "script": script,
    }
    return filled(joined("page.html"), parts)


def frame(html: str, title: str) -> str:
    """Return a page as a frame for a notebook: it runs its script, and reaches nothing outside."""
    return (
        f'<iframe sandbox="allow-scripts" title="{escaped(title)}" width="100%" height="760"'
        f' style="border:0" srcdoc="{escaped(html)}"></iframe>'
    )


def as_json(data: Any) -> str:
    """Return data as JSON that can stand in a page, whatever its texts hold.

    >>> as_json(["</script>"])
    '["\\\\u003c/script\\\\u003e"]'
    """
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return "".join(_DANGEROUS.get(character, character) for character in text)


def joined(*names: str, package: str = __package__) -> str:
    """Return files that lie in a package as one text, with the line ends of no system."""
    texts = (files(package).joinpath(name).read_text(encoding="utf-8") for name in names)
    return "\n".join(texts)


def filled(template: str, parts: Mapping[str, str]) -> str:
    """Return a template with its parts, which are not looked at.

    >>> filled("<p>{{said}}</p>", {"said": "{{said}}"})
    '<p>{{said}}</p>'
    """
    return re.sub(r"{{(\w+)}}", lambda match: parts[match[1]], template)


def content_policy(script: str, style: str, *more: str) -> str:
    """Return a policy by which a page runs this script, wears this style, and reaches nothing.

    What is `more` is let through besides.
    """
    kept = "base-uri 'none'", "form-action 'none'"
    parts = f"script-src {_hash(script)}", f"style-src {_hash(style)}", *more, *kept
    return "; ".join(["default-src 'none'", *parts])


def _hash(text: str) -> str:
    """Return what a content policy calls a text."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
