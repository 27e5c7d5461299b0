"""Finds the files that the product carries, in a wheel, in an editable install and in a checkout alike."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path


class Resource(StrEnum):
    """What can be asked for; the value is its place inside the package."""

    CATALOGUES = "requirements"
    SUITES = "suites"
    SCHEMAS = "report/schemas"
    FIXTURES = "fixtures"


def find(resource: Resource) -> Path:
    """Give the folder of a resource. Raises `FileNotFoundError` where the installation is incomplete.

    A wheel has everything inside the package; a checkout (and an editable install, which points at one) has
    the fixtures beside it, because they are a product of their own.
    """
    package = Path(__file__).resolve().parent
    folder = package / resource
    if resource is Resource.FIXTURES and not folder.is_dir():
        folder = package.parent / resource
    if folder.is_dir():
        return folder
    raise FileNotFoundError(f"this installation of hookproof has no {resource}: install it again")
