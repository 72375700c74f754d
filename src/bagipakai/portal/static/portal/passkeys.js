// Hands the office's question to the key and posts its answer back. A form marked data-passkey ("create" or "get")
// carries the question in data-options; its button works only where this script and passkeys do.
(() => {
  "use strict";

  const bytes = text => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), sign => sign.charCodeAt(0));

  const text = buffer =>
    btoa(Array.from(new Uint8Array(buffer), byte => String.fromCharCode(byte)).join(""))
      .replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

  const listed = credentials => (credentials || []).map(one => ({ ...one, id: bytes(one.id) }));

  const asked = {
    create: told => navigator.credentials.create({ publicKey: {
      ...told,
      challenge: bytes(told.challenge),
      user: { ...told.user, id: bytes(told.user.id) },
      excludeCredentials: listed(told.excludeCredentials),
    } }),
    get: told => navigator.credentials.get({ publicKey: {
      ...told,
      challenge: bytes(told.challenge),
      allowCredentials: listed(told.allowCredentials),
    } }),
  };

  const answered = key => {
    const response = { clientDataJSON: text(key.response.clientDataJSON) };
    if (key.response.attestationObject) {
      response.attestationObject = text(key.response.attestationObject);
      response.transports = key.response.getTransports ? key.response.getTransports() : [];
    } else {
      response.authenticatorData = text(key.response.authenticatorData);
      response.signature = text(key.response.signature);
      response.userHandle = key.response.userHandle ? text(key.response.userHandle) : null;
    }
    return JSON.stringify({ id: key.id, rawId: text(key.rawId), type: key.type, response });
  };

  for (const form of document.querySelectorAll("form[data-passkey]")) {
    const part = name => form.querySelector(`[data-passkey-${name}]`);
    if (!window.PublicKeyCredential) continue;
    part("needs").hidden = true;
    part("button").disabled = false;
    form.addEventListener("submit", async event => {
      if (form.elements.answer.value) return;
      event.preventDefault();
      part("failed").hidden = true;
      part("button").disabled = true;
      try {
        form.elements.answer.value = answered(await asked[form.dataset.passkey](JSON.parse(form.dataset.options)));
        form.submit();
      } catch {
        part("failed").hidden = false;
        part("button").disabled = false;
        part("button").focus();
      }
    });
  }
})();
