"""The people who act. No NIK: an account needs a name and an address, nothing that a citizen's row would have."""

from typing import ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models


class People(BaseUserManager["Person"]):
    def get_by_natural_key(self, username: str | None) -> "Person":
        return self.get(email=(username or "").strip().lower())


class Person(AbstractBaseUser):
    """One account of one human being. The internal id is the identity; e-mail and NIP are attributes that change."""

    class State(models.TextChoices):
        ACTIVE = "ACTIVE", "Aktif"
        SUSPENDED = "SUSPENDED", "Ditangguhkan"
        CLOSED = "CLOSED", "Ditutup"

    email = models.EmailField(unique=True)
    name = models.CharField(max_length=120)
    nip = models.CharField(max_length=18, blank=True)
    state = models.CharField(max_length=12, choices=State.choices, default=State.ACTIVE)
    language = models.CharField(max_length=2, default="id")
    registered_at = models.DateTimeField()

    objects: ClassVar[People] = People()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["name"]

    class Meta:
        constraints = [
            models.CheckConstraint(name="a_nip_is_18_digits", condition=models.Q(nip__regex=r"^([0-9]{18})?$")),
        ]

    @property
    def is_active(self) -> bool:  # type: ignore[override]
        """Django's log-in asks this."""
        return self.state == self.State.ACTIVE

    def __str__(self) -> str:
        return self.name


class LoginFailure(models.Model):
    """A password that was wrong: when, and keyed digests of the account named and of the network it came from."""

    at = models.DateTimeField(db_index=True)
    account = models.CharField(max_length=64)
    address = models.CharField(max_length=64)

    class Meta:
        indexes = [
            models.Index(fields=["account", "-at"], name="failures_of_an_account"),
            models.Index(fields=["address", "-at"], name="failures_of_an_address"),
        ]
