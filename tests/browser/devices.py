"""The keys that people sign with in a browser: Chromium's own virtual authenticator holds them and answers."""

import base64
from typing import Any

from playwright.sync_api import Page

from bagipakai.control.passkeys import ceremony
from bagipakai.demo.authenticator import Authenticator

DEVICE = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


class Device:
    """What is built into the computer at which `page` is open: it holds keys, and recognises its owner."""

    def __init__(self, page: Page) -> None:
        self._cdp = page.context.new_cdp_session(page)
        self._cdp.send("WebAuthn.enable")
        self.replace()

    def replace(self) -> None:
        """Another device from now on, which holds nothing."""
        if name := getattr(self, "_name", None):
            self._cdp.send("WebAuthn.removeVirtualAuthenticator", {"authenticatorId": name})
        self._name = self._cdp.send("WebAuthn.addVirtualAuthenticator", {"options": DEVICE})["authenticatorId"]

    def tell(self, command: str, **told: Any) -> Any:
        """The device behaves otherwise from now on."""
        return self._cdp.send(f"WebAuthn.{command}", {"authenticatorId": self._name, **told})

    def credentials(self) -> list[dict[str, Any]]:
        return list(self.tell("getCredentials")["credentials"])

    def holds(self, key: Authenticator) -> None:
        """A key that its owner enrolled elsewhere lies in this device too."""
        self.tell(
            "addCredential",
            credential={
                "credentialId": base64.b64encode(key.credential).decode(),
                "isResidentCredential": False,
                "rpId": ceremony.rp_id(),
                "privateKey": base64.b64encode(key.secret()).decode(),
                "signCount": key.counter,
            },
        )
