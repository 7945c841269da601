"""python-jose with a key set. It has no clock of its own to set."""
import json

import jose
from jose import jwt

from corpus import drive


def setup(keys, policy):
    found = json.loads(keys)
    options = {"leeway": policy["leeway"], "require_exp": True, "require_iss": True, "require_aud": True}
    return lambda token: jwt.decode(token, found, algorithms=policy["algorithms"], issuer=policy["issuer"], audience=policy["audience"],
                                    options=options)


drive(jose.__version__, setup)
