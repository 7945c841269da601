"""Takes the corpus of a directory to a library, and writes its version and one answer a line."""
import json
import os
import sys


def drive(version, setup):
    """setup gets the text of a key set and a policy, and returns a function that raises for a refused token."""
    base = sys.argv[1]

    def text(*names):
        with open(os.path.join(base, *names), "rb") as file:
            return file.read()

    print(json.dumps({"version": version}))
    for line in text("cases.jsonl").splitlines():
        case = json.loads(line)
        if "request" in case:
            continue
        answer = "accepted"
        try:
            setup(text("keys", case["keys"]).decode(), json.loads(text("policies", case["policy"])))(case["token"])
        except Exception:
            answer = "refused"
        print(json.dumps({"name": case["name"], "answer": answer}))
