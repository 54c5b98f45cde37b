"""The other end of ours.Process: a process that answers requests on its standard
input, a line of JSON each way, until the input ends.
"""

import json
import os
import sys
import traceback

# The lines of replies are alone on the standard output: what compilers print goes
# to the standard error.
REPLIES = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)


def reply(**found):
    REPLIES.write(json.dumps(found) + "\n")
    REPLIES.flush()


def absent(why):
    """Says that there is nothing to compare with, and ends."""
    reply(absent=why)
    sys.exit(77)


def answer(known, beside=dict):
    """known has a function for every request, by what it is to do; beside is asked
    what else goes into a reply. A failed request is answered by its error."""
    for line in sys.stdin:
        q = json.loads(line)
        try:
            reply(**known[q["do"]](q), **beside())
        except Exception as e:  # whatever a compiler or an allocator says
            traceback.print_exc()
            text = str(e).strip().splitlines()
            reply(error=f"{type(e).__name__}: {text[0][:200] if text else ''}")
