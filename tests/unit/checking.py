"""Files of a programme, checked: what is found, and the text that a finding marks."""

from workflows.check.findings import Finding
from workflows.check.programme import check
from workflows.folder import Folder
from workflows.load import load_programme


def findings_of(files: dict[str, str]) -> list[Finding]:
    return check(load_programme(Folder(files)))


def marked(finding: Finding) -> str:
    return finding.source_line[finding.column - 1 : finding.end_column - 1]
