"""The pages' second language: `python -m bagipakai.portal.messages collect | compile | check`.

The source language is Indonesian: the message id is the sentence on the Indonesian page. GNU gettext need not be
installed; Babel reads and writes the catalogues. Compiled catalogues are made at installation and not kept in the
repository.
"""

import argparse
import io
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.utils.translation.template import templatize

PACKAGE = Path(__file__).resolve().parents[1]
PORTAL = PACKAGE / "portal"
ENGLISH = PACKAGE / "locale" / "en" / "LC_MESSAGES" / "django.po"

CALL = re.compile(r"""\b(?:n?p?gettext|_)\((?:u?'(?:\\.|[^'\\])*'|u?"(?:\\.|[^"\\])*"|[^()'"])*\)""")
WORDS: dict[str, object] = {
    "gettext": None,
    "gettext_lazy": None,
    "gettext_noop": None,
    "_": None,
    "_lazy": None,
    "ngettext": (1, 2),
    "ngettext_lazy": (1, 2),
    "pgettext": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
}


def collect() -> Catalog:
    """The English catalogue brought up to date with the sources: new sentences without a translation, gone ones
    dropped. Writes the file."""
    template = Catalog(charset="utf-8")
    for place, ids, context in _sentences():
        template.add(ids, locations=[(place, 0)], context=context)
    catalogue = _read()
    catalogue.update(template, no_fuzzy_matching=True, update_creation_date=False)
    catalogue.obsolete.clear()
    catalogue.header_comment, catalogue.fuzzy = "# The English pages of Berbagipakai DTSEN.", False
    ENGLISH.parent.mkdir(parents=True, exist_ok=True)
    with ENGLISH.open("wb") as file:
        write_po(file, catalogue, width=120, sort_output=True, omit_header=False, include_lineno=False)
    return catalogue


def compile_catalogue() -> Path:
    """Writes the .mo beside the .po and returns its path."""
    target = ENGLISH.with_suffix(".mo")
    with target.open("wb") as file:
        write_mo(file, _read())
    return target


def problems() -> list[str]:
    """What keeps the English pages from being complete: a sentence unknown, untranslated or uncertain."""
    catalogue = _read()
    found = []
    for place, ids, context in _sentences():
        key = ids if isinstance(ids, str) else ids[0]
        message = catalogue.get(key, context)
        if message is None:
            found.append(f"{place}: not collected: {key}")
        elif message.fuzzy:
            found.append(f"{place}: fuzzy: {key}")
        elif not message.string or not all(message.string):
            found.append(f"{place}: untranslated: {key}")
        elif errors := list(message.check(catalogue)):
            found.append(f"{place}: {errors[0]}: {key}")
    return found


def _sentences() -> Iterator[tuple[str, str | tuple[str, ...], str | None]]:
    for path in sorted([*PORTAL.rglob("*.py"), *PORTAL.rglob("*.html")]):
        place = path.relative_to(PACKAGE).as_posix()
        text = path.read_text("utf-8")
        if path.suffix == ".html":
            # Django blanks out a template but for its sentences, which it writes as calls of gettext.
            text = "\n".join(CALL.findall(templatize(text, origin=place)))
        source = io.BytesIO(text.encode())
        for _line, ids, _comments, context in extract("python", source, keywords=WORDS, options={"encoding": "utf-8"}):  # type: ignore[arg-type]
            yield place, ids, context


def _read() -> Catalog:
    if not ENGLISH.exists():
        return Catalog(locale="en", project="bagipakai", charset="utf-8")
    with ENGLISH.open("rb") as file:
        return read_po(file, locale="en", charset="utf-8")


def main() -> int:
    """0 done · 1 the English pages are not complete (each sentence on a line)."""
    parser = argparse.ArgumentParser(prog="python -m bagipakai.portal.messages", description=__doc__)
    parser.add_argument("what", choices=["collect", "compile", "check"])
    match parser.parse_args().what:
        case "collect":
            collect()
        case "compile":
            compile_catalogue()
            return 0  # an installation does not wait for a translation; the tests do
    found = problems()
    for line in found:
        print(line, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
