"""Files that people handed in, known by what they are: the SHA-256 of their bytes."""

from django.db import models


class Document(models.Model):
    """One hand-in of one file. The bytes lie under `var/documents/<sha256>`; `name` is what the uploader called it,
    neutralised, shown but never used as a path."""

    class Scan(models.TextChoices):
        CLEAN = "CLEAN", "Sudah dipindai, bersih"
        NOT_SCANNED = "NOT_SCANNED", "Belum dipindai"

    sha256 = models.CharField(max_length=64, db_index=True)
    name = models.CharField(max_length=160)
    media_type = models.CharField(max_length=100)
    extension = models.CharField(max_length=8)
    size = models.PositiveBigIntegerField()
    scan = models.CharField(max_length=12, choices=Scan.choices)
    uploaded_by = models.ForeignKey("control.Person", models.PROTECT, related_name="+")
    uploaded_at = models.DateTimeField()
