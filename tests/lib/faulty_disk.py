"""The daemon on a disk that does as it is told (faulty_disk.c)."""
import shim

OPEN, WRITE, SYNC, TRUNCATE, RENAME, ALLOCATE = range(6)
LOG, SNAPSHOT, MANIFEST, DIRECTORY, RESERVE, OTHER = range(6)
ERROR, TIMES, DELAY, CALLS = range(4)
KINDS, OPS, SYNCS_MAX = 6, 6, 4096
SYNCS = OPS * KINDS * 4
ALWAYS = -1   # of times, and of delays: until it is changed
SHORT = -1    # as an error: half is written


class Disk:
    def __init__(self, tmp_path):
        self.numbers = shim.Shared(tmp_path / "disk", *[0] * (SYNCS + 1 + 3 * SYNCS_MAX))
        self.env = {"LD_PRELOAD": shim.build("faulty_disk"), "FAULTY_DISK": self.numbers.path,
                    "ASAN_OPTIONS": "verify_asan_link_order=0"}

    @staticmethod
    def place(op, kind, field):
        return (op * KINDS + kind) * 4 + field

    def fail(self, op, kind, error, times=ALWAYS):
        self.numbers[self.place(op, kind, TIMES)] = times
        self.numbers[self.place(op, kind, ERROR)] = error

    def heal(self):
        for op in range(OPS):
            for kind in range(KINDS):
                self.fail(op, kind, 0, 0)
                self.slow(op, kind, 0)

    def slow(self, op, kind, us):
        self.numbers[self.place(op, kind, DELAY)] = us

    def calls(self, op, kind):
        return self.numbers[self.place(op, kind, CALLS)]

    def hits_left(self, op, kind):
        return self.numbers[self.place(op, kind, TIMES)]

    def syncs(self):
        """(began, ended, bytes of the file at its beginning) of each sync of the log, times in seconds."""
        n = self.numbers[SYNCS]
        at = [[self.numbers[SYNCS + 1 + 3 * i + k] for k in range(3)] for i in range(n)]
        return [(a / 1e9, b / 1e9, size) for a, b, size in at]
