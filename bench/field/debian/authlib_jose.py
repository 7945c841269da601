"""Authlib's package jose with a key set."""
import json

import authlib
from authlib.jose import JsonWebKey, JsonWebToken

from corpus import drive


def setup(keys, policy):
    found = JsonWebKey.import_key_set(json.loads(keys))
    library = JsonWebToken(policy["algorithms"])
    expected = {"iss": {"essential": True, "value": policy["issuer"]}, "aud": {"essential": True, "value": policy["audience"]},
                "exp": {"essential": True}}
    return lambda token: library.decode(token, found, claims_options=expected).validate(now=policy["now"], leeway=policy["leeway"])


drive(authlib.__version__, setup)
