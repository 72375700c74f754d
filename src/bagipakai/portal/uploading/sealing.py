"""How a file comes in by a form: it flows into sealed pieces, and never lies readable anywhere.

Django asks its upload handlers, in order, who takes a file. This one stands first and takes those of two pages; the
others, which keep files in memory or in a readable file of their own, are asked about all other pages.
"""

from collections.abc import Callable, Mapping
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler, SkipFile, StopFutureHandlers

from bagipakai.control import rosters, submissions
from bagipakai.control.inflows import Inflow
from bagipakai.control.models import Holder, Tenure
from bagipakai.portal.accounts import posts

FIELD = "berkas"
HOLDERS: dict[str, Callable[[Mapping[str, Any], Tenure], Holder]] = {
    "submissions:upload": lambda told, tenure: submissions.get(told["submission"], tenure),
    "rosters:upload": lambda told, tenure: rosters.get(told["reference"], tenure),
}


class SealedUpload(UploadedFile):  # type: ignore[type-arg]  # a generic in its stub alone
    """What a page gets in place of the file. `inflow.end()` adds it to what it is uploaded for, once the page may."""

    def __init__(self, name: str, size: int, inflow: Inflow) -> None:
        super().__init__(name=name, size=size)
        self.inflow = inflow


class SealingHandler(FileUploadHandler):
    """Takes the first file of an upload page, if its sender may add one; others there are passed over unread."""

    inflow: Inflow | None = None

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        match = self.request.resolver_match if self.request else None
        if self.request is None or match is None or match.view_name not in HOLDERS:
            return
        tenure = posts.current(self.request)
        if tenure is None or self.inflow is not None or self.field_name != FIELD:
            raise SkipFile
        try:
            row = HOLDERS[match.view_name](match.kwargs, tenure)
        except LookupError:
            raise SkipFile from None
        self.inflow = Inflow(row, tenure, str(self.file_name))
        raise StopFutureHandlers

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes | None:
        if self.inflow is None:
            return raw_data
        self.inflow.feed(raw_data)
        return None

    def file_complete(self, file_size: int) -> SealedUpload | None:
        if self.inflow is None:
            return None
        return SealedUpload(str(self.file_name), file_size, self.inflow)

    def upload_interrupted(self) -> None:
        if self.inflow is not None:
            self.inflow.break_off()
