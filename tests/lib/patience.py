"""Waiting for what is to happen: for as long as it takes, in the end not for ever."""
import os
import time

# Upper bound of any wait for an event. Generous: it only decides when a hung server is given up.
PATIENCE = float(os.environ.get("MEMD_TEST_PATIENCE", "90"))


def wait_for(what, message="it did not happen", patience=None):
    """Ask `what` until it says something true; return that."""
    end = time.monotonic() + (patience or PATIENCE)
    while True:
        got = what()
        if got:
            return got
        if time.monotonic() > end:
            raise AssertionError(message)
        time.sleep(0.003)
