"""Themes: whether their words can be found."""

from workflows.check.context import Context
from workflows.check.policies import ROOT


def check_themes(context: Context) -> None:
    """Report themes without words, and words that are none."""
    themes = context.policies.themes
    for name, words in (themes.words if themes else {}).items():
        place = ROOT / "themes" / "words" / name
        if not words:
            message = f'the theme "{name}" has no words: it is never found'
            context.report("V015", place, message, "add one, or leave it out", key=True)
        for number, word in enumerate(words):
            if not word.strip():
                context.report(
                    "V013", place / number, "a word is missing here", "write it, or leave it out"
                )
