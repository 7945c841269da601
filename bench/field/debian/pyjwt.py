"""PyJWT with a key set. It has no clock of its own to set."""
import jwt

from corpus import drive


def setup(keys, policy):
    found = jwt.PyJWKSet.from_json(keys)

    def check(token):
        kid = jwt.get_unverified_header(token).get("kid")
        key = next(key for key in found.keys if key.key_id == kid)
        jwt.decode(token, key.key, algorithms=policy["algorithms"], issuer=policy["issuer"], audience=policy["audience"],
                   leeway=policy["leeway"], options={"require": ["exp"]})
    return check


drive(jwt.__version__, setup)
