"""Tokens that `lobo pki token` does not make: forged, expired, of other algorithms."""

import base64
import hashlib
import hmac
import json
import pathlib
import time

from jwcrypto import jwk, jws


def _text(octets):
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def _json(value):
    return _text(json.dumps(value).encode())


def claims(**other):
    """Good ones, but for what is given; None leaves one out."""
    now = int(time.time())
    all_of = {"iss": "https://lobodon.lab", "aud": "lobodon", "sub": "app1", "scope": "ss-nra", "iat": now,
              "exp": now + 600, **other}
    return {name: value for name, value in all_of.items() if value is not None}


def kid_of(pki):
    return json.loads((pki / "jwks.json").read_text())["keys"][0].get("kid")


def signed(pki, payload, **header):
    """By the laboratory's own key."""
    key = jwk.JWK.from_json((pki / "token.key").read_text())
    token = jws.JWS(json.dumps(payload))
    token.add_signature(key, alg="ES256", protected=json.dumps({"alg": "ES256", "kid": kid_of(pki), **header}))
    return token.serialize(compact=True)


def unsigned(pki, payload, algorithm="none"):
    return f"{_json({'alg': algorithm, 'kid': kid_of(pki)})}.{_json(payload)}."


def signed_with_public_key(pki, payload):
    """HS256 with what everybody knows as its secret: the public key, as a verifier might confuse it."""
    public = json.loads((pki / "jwks.json").read_text())["keys"][0]
    pem = jwk.JWK(**public).export_to_pem()
    secrets = [pem, json.dumps(public).encode(), pathlib.Path(pki / "jwks.json").read_bytes(), b""]
    for secret in secrets:
        head = f"{_json({'alg': 'HS256', 'kid': kid_of(pki)})}.{_json(payload)}"
        yield f"{head}.{_text(hmac.new(secret, head.encode(), hashlib.sha256).digest())}"
