"use strict";
// Forms that need a passkey say so: data-passkey="assert" signs a statement, data-passkey="register" makes a passkey.
//
// The challenge of a signature is SHA-256 of the statement's very text, computed here: from the form's own `statement`
// field, or from the one that the address in data-challenge hands out. The passkey's answer goes into hidden fields
// and the form is sent as any form is.

const encode = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
const decode = (text) =>
  Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (letter) => letter.charCodeAt(0));
const described = (ids) => ids.map((id) => ({ type: "public-key", id: decode(id) }));

function put(form, name, value) {
  let field = form.querySelector(`input[name="${name}"]`);
  if (!field) {
    field = document.createElement("input");
    field.type = "hidden";
    field.name = name;
    form.append(field);
  }
  field.value = value;
}

async function asked(form, address) {
  const response = await fetch(address, {
    method: "POST",
    headers: { Accept: "application/json" },
    body: new URLSearchParams(new FormData(form)),
  });
  const answer = await response.json();
  if (!response.ok) throw new Error(`${answer.detail}. ${answer.fix}.`);
  return answer;
}

async function assert(form) {
  let { rp, credentials } = form.dataset;
  let ids = (credentials || "").split(" ").filter(Boolean);
  if (form.dataset.challenge) {
    const given = await asked(form, form.dataset.challenge);
    put(form, "statement", given.statement);
    ids = given.credentials;
    rp = given.rp_id;
  }
  const statement = new TextEncoder().encode(form.elements.statement.value);
  const challenge = await crypto.subtle.digest("SHA-256", statement);
  const said = await navigator.credentials.get({
    publicKey: { challenge, rpId: rp, allowCredentials: described(ids), userVerification: "required" },
  });
  put(form, "credential_id", encode(said.rawId));
  put(form, "authenticator_data", encode(said.response.authenticatorData));
  put(form, "client_data", encode(said.response.clientDataJSON));
  put(form, "signature", encode(said.response.signature));
}

async function register(form) {
  const given = await asked(form, form.dataset.options);
  const made = await navigator.credentials.create({
    publicKey: {
      ...given,
      challenge: decode(given.challenge),
      user: { ...given.user, id: decode(given.user.id) },
      excludeCredentials: described(given.excludeCredentials),
    },
  });
  put(form, "challenge", given.challenge);
  put(form, "credential_id", encode(made.rawId));
  put(form, "client_data", encode(made.response.clientDataJSON));
  put(form, "attestation", encode(made.response.attestationObject));
}

function told(error) {
  if (error.name === "NotAllowedError") return "No passkey was used: it was cancelled, or it took too long.";
  if (error.name === "InvalidStateError") return "This device holds a passkey for you already.";
  return error.message;
}

for (const form of document.querySelectorAll("form[data-passkey]")) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const status = form.querySelector("[data-status]");
    const button = form.querySelector("button");
    button.disabled = true;
    status.className = "status";
    status.textContent = "Waiting for your passkey…";
    try {
      await (form.dataset.passkey === "register" ? register(form) : assert(form));
      form.submit();
    } catch (error) {
      status.className = "status wrong";
      status.textContent = told(error);
      button.disabled = false;
    }
  });
}
