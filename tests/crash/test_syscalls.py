"""A kill before and after single operations on files, some of them by chance; `make crash` takes all (syscalls.py).

    MEMD_CRASH_SEED    the seed (default fixed; 0: from the clock). A failure prints it."""
import pytest

import server as srv
import syscalls
from test_kill import SEED

pytestmark = pytest.mark.memd_only


@pytest.mark.parametrize("power", [False, True])
def test_no_operation_on_a_file_is_a_bad_one_to_die_at(power):
    print("seed", SEED)
    points, kills = syscalls.check(srv.MEMD.path, 30, SEED, power, print)
    assert 0 < kills <= points
