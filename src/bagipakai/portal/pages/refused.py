"""How a "no" looks: a page that says what, why with its source, what to do, and who can help."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from http import HTTPStatus

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import get_language

from bagipakai.control import clock, forms, wording
from bagipakai.core.levels import Levels
from bagipakai.core.refusal import Refusal
from bagipakai.core.variables import Catalogue
from bagipakai.portal import glossary

NOTHING: Mapping[str, str] = {}


def lang() -> str:
    """The reader's language as the policies spell it."""
    return "en" if get_language() == "en" else "id"


def sentence(no: Refusal, words: Mapping[str, str] = NOTHING) -> str:
    """The refusal in the reader's language, the codes in its detail said in words; `words` knows some more of them."""
    said = {
        key: ", ".join(words.get(part) or _word(part) for part in value.split(", ")) for key, value in no.detail.items()
    }
    return replace(no, detail=said).sentence(lang()).replace("?.", "?")  # a question that stands last ends the sentence


def explained(code: str, detail: Mapping[str, str] = NOTHING) -> str:
    """What the registry said no with, and what about: its sentence, or the bare code of one that has none."""
    try:
        return sentence(Refusal(code, dict(detail)))
    except KeyError:
        return code


def _word(code: str) -> str:
    """What a reader calls a status, document, question, variable or day; anything else stays as it is."""
    code = code.removeprefix("field:").removeprefix("document:")  # what an item of a repair names
    day = clock.today()
    kinds, catalogue = Levels.on(day).kinds, Catalogue.on(day)
    questions = [one for service in forms.Service for one in forms.current(day, service).questions]
    if code in kinds:
        return kinds[code].title(lang())
    if found := [question for question in questions if question.code == code]:
        return found[0].label(lang())
    if code in catalogue:
        return catalogue[code].title(lang())
    if found_terms := [one for one in glossary.terms() if one.identifier == code]:
        return found_terms[0].label
    try:
        return wording.calendar_day(date.fromisoformat(code), lang())
    except ValueError:
        return code


def refused(http: HttpRequest, no: Refusal, back: str = "/", status: HTTPStatus = HTTPStatus.CONFLICT) -> HttpResponse:
    """The page of a refusal: the request is as it was. `back` leads to where the reader came from."""
    return render(http, "pages/refused.html", {"no": no, "sentence": sentence(no), "back": back}, status=status)
