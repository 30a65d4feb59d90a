"""The title of a task: words of the programme's first language, for colleagues."""

from workflows.state import Run
from workflows.turn import Turn
from workflows.words_types import WordsError


def title_of(turn: Turn, run: Run, step: str) -> str:
    """Return a task's title, its words taken from what is true now.

    Raises:
        WordsError: They cannot be made; whose they are is said, for who mends them.
    """
    template = turn.programme.of(run).titles[step]
    locale = turn.programme.policies.locales[0]
    values = turn.names(run)
    values |= turn.programme.scopes.told(values["contact"], values["account"])
    try:
        return template.title(values, locale)
    except WordsError as error:
        said = f"the title in {run.workflow}, step {step}: {error}"
        raise WordsError(said, line=error.line, column=error.column) from error
