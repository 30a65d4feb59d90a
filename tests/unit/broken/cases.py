"""Every mistake that must be found, one at a time."""

from tests.unit.broken.forms import FORMS
from tests.unit.broken.people import PEOPLE
from tests.unit.broken.slips import SLIPS
from tests.unit.broken.steps import STEPS

CASES = (*FORMS, *STEPS, *PEOPLE, *SLIPS)
