"""A workbook of one sheet whose cells are all text, so that no spreadsheet makes 3,20E+15 of a NIK or runs a formula.
ECMA-376 part 1, with the standard library alone.
"""

import re
import zipfile
from collections.abc import Iterable, Sequence
from typing import IO
from xml.sax.saxutils import escape

from bagipakai.core.workbooks import MAIN

_DECLARED = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_AROUND = {
    "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    f'<Override PartName="/xl/workbook.xml" ContentType="{_TYPE}.sheet.main+xml"/>'
    f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{_TYPE}.worksheet+xml"/></Types>',
    "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">'
    f'<Relationship Id="r1" Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
    "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{_OFFICE}">'
    '<sheets><sheet name="Daftar" sheetId="1" r:id="r1"/></sheets></workbook>',
    "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">'
    f'<Relationship Id="r1" Type="{_OFFICE}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
}
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write(rows: Iterable[Sequence[str]], file: IO[bytes]) -> None:
    """Writes the rows as they are, but for what no XML can hold. Raises OSError."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as book:
        for name, content in _AROUND.items():
            book.writestr(name, _DECLARED + content)
        with book.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as sheet:
            sheet.write(f'{_DECLARED}<worksheet xmlns="{MAIN}"><sheetData>'.encode())
            for number, cells in enumerate(rows, start=1):
                sheet.write(f'<row r="{number}">{"".join(map(_cell, cells))}</row>'.encode())
            sheet.write(b"</sheetData></worksheet>")


def _cell(text: str) -> str:
    if not text:
        return "<c/>"
    told = escape(_NO_XML.sub(" ", text)).replace("\r", "&#13;")
    return f'<c t="inlineStr"><is><t xml:space="preserve">{told}</t></is></c>'
