#!/usr/bin/env python3
"""Makes and reads tokens with jwcrypto, which shares no code with the program under test.

  tokens_by_jwcrypto.py make FOLDER CLAIMS_JSON    writes FOLDER/jwks.json and FOLDER/ALG.jwt for each ALG
  tokens_by_jwcrypto.py read JWKS_FILE TOKEN_FILE  prints the claims of a token that verifies
"""

import base64
import json
import pathlib
import sys

from jwcrypto import jwk, jwt


def make(folder, claims):
    keys = {
        "ES256": jwk.JWK.generate(kty="EC", crv="P-256", kid="ec-256"),
        "ES384": jwk.JWK.generate(kty="EC", crv="P-384", kid="ec-384"),
        "RS256": jwk.JWK.generate(kty="RSA", size=2048, kid="rsa"),
        "EdDSA": jwk.JWK.generate(kty="OKP", crv="Ed25519", kid="ed"),
        "HS256": jwk.JWK.generate(kty="oct", size=256, kid="shared"),
    }
    keys["PS256"] = keys["RS256"]
    shown = [keys[name].export(private_key=False, as_dict=True) for name in ("ES256", "ES384", "RS256", "EdDSA")]
    shown.append(keys["HS256"].export(as_dict=True))
    (folder / "jwks.json").write_text(json.dumps({"keys": shown}))
    for name, key in keys.items():
        token = jwt.JWT(header={"alg": name, "kid": key.key_id, "typ": "JWT"}, claims=claims)
        token.make_signed_token(key)
        (folder / f"{name}.jwt").write_text(token.serialize())
    unnamed = jwt.JWT(header={"alg": "ES256"}, claims=claims)
    unnamed.make_signed_token(keys["ES256"])
    (folder / "without_kid.jwt").write_text(unnamed.serialize())
    # The public RSA key taken as an HMAC secret: the classic confusion of algorithms.
    secret = base64.urlsafe_b64encode(keys["RS256"].export_to_pem()).rstrip(b"=").decode()
    confused = jwt.JWT(header={"alg": "HS256", "kid": "rsa"}, claims=claims)
    confused.make_signed_token(jwk.JWK(kty="oct", k=secret))
    (folder / "confused.jwt").write_text(confused.serialize())


def read(jwks, token):
    keys = jwk.JWKSet.from_json(pathlib.Path(jwks).read_text())
    print(jwt.JWT(jwt=pathlib.Path(token).read_text(), key=keys, algs=["ES256"]).claims)


if sys.argv[1] == "make":
    make(pathlib.Path(sys.argv[2]), json.loads(sys.argv[3]))
else:
    read(sys.argv[2], sys.argv[3])
