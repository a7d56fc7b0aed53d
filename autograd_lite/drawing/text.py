"""Texts of all kinds, fit to be shown."""

import html

__all__ = ["as_html", "one_line"]

#: What says in which direction the text after it runs: it would turn what stands beside a name.
_TURNING = {*map(chr, range(0x202A, 0x202F)), *map(chr, range(0x2066, 0x206A))}
#: Invisible, and part of many an emoji and of some scripts' words.
_JOINERS = ("\u200c", "\u200d")


def one_line(text: str, most: int | None = 60) -> str:
    """The text as one line: a space for each character that cannot be shown; cut, if it has more than ``most``.

    >>> one_line("two\\nlines"), one_line("abcdef", most=4)
    ('two lines', 'abc…')
    """
    if most is not None and len(text) > most:
        text = text[: most - 1] + "…"
    if text.isascii() and text.isprintable():
        return text
    return "".join(letter if _can_be_shown(letter) else " " for letter in text)


def _can_be_shown(letter: str) -> bool:
    return letter in _JOINERS or (letter.isprintable() and letter not in _TURNING)


def as_html(text: str) -> str:
    """The text for HTML and XML, in an element or in an attribute; its lines are kept.

    >>> as_html('a < "b"')
    'a &lt; &quot;b&quot;'
    """
    return html.escape("\n".join(one_line(line, None) for line in text.splitlines()))
