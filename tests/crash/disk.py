"""What a disk may hold after a power cut: from the trace of disk_shim.c to a directory.

A disk is a set of files and directories. A write is durable when a sync of its file that began after it has
returned; a name (made, renamed, deleted) when its directory has been synced so. What is not durable may be there or
not: any subset, writes in part (any byte of the last, or any sectors, with zeros or old bytes in place of the
missing ones). A sync that failed makes nothing durable, ever: the pages it should have written count as clean
and are forgotten. Nothing is assumed of a particular file system: a synced file whose name was not is gone."""
import atexit
import os
import shutil
import struct
import subprocess
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
RECORD = struct.Struct("<IHHiiqQq")
KINDS = ["any", "open", "close", "write", "truncate", "allocate", "sync", "rename", "link", "unlink", "mkdir"]
SECTOR = 512
PENDING, DURABLE, FORGOTTEN = range(3)

_built = {}


def shim():
    """Path of the shim, built once."""
    if "path" not in _built:
        d = tempfile.mkdtemp(prefix="memd-shim-")
        atexit.register(shutil.rmtree, d, ignore_errors=True)
        path = os.path.join(d, "disk_shim.so")
        subprocess.run(["gcc", "-std=c11", "-D_GNU_SOURCE", "-O2", "-Wall", "-Wextra", "-shared", "-fPIC", "-o", path,
                        os.path.join(HERE, "disk_shim.c"), "-ldl", "-pthread"], check=True)
        _built["path"] = path
    return _built["path"]


def environment(binary, data, **more):
    """For a daemon whose directory `data` the shim is to watch."""
    preload = shim()
    needed = subprocess.run(["ldd", binary], capture_output=True, text=True).stdout
    if "libasan" in needed:  # it insists on being the first
        preload = next(x for x in needed.split() if x.startswith("/") and "libasan" in x) + " " + preload
    env = {"LD_PRELOAD": preload, "DISK_SHIM_DIR": data}
    env.update({"DISK_SHIM_" + k.upper(): str(v) for k, v in more.items() if v})
    return env


class Record:
    __slots__ = ("kind", "error", "fd", "flags", "at", "began", "mono_ns", "data", "index")

    def paths(self):
        return [p.decode() for p in self.data.split(b"\0")[:-1]]


def read_trace(path):
    with open(path, "rb") as f:
        raw = memoryview(f.read())
    at = index = 0
    while at + RECORD.size <= len(raw):
        r = Record()
        n, kind, r.error, r.fd, r.flags, r.at, r.began, r.mono_ns = RECORD.unpack_from(raw, at)
        at += RECORD.size
        if at + n > len(raw):
            return  # the process was killed while it wrote this
        r.kind, r.data = KINDS[kind], bytes(raw[at:at + n])
        at += n
        index += 1
        r.index = index
        yield r


class File:
    def __init__(self, base=b""):
        self.base = base
        self.changes = []  # [record, state], in order

    def synced(self, upto, state):
        for c in self.changes:
            if c[1] == PENDING and c[0].index <= upto:
                c[1] = state

    def with_changes(self, chosen):
        out = bytearray(self.base)
        for r in chosen:
            if r.kind == "truncate":
                del out[r.at:]
                out.extend(b"\0" * (r.at - len(out)))
            else:
                out.extend(b"\0" * (r.at - len(out)))
                out[r.at:r.at + len(r.data)] = r.data
        return out

    def all(self):
        return self.with_changes([r for r, _ in self.changes])

    def after_cut(self, rng):
        """Bytes that may be on the disk."""
        loose = [r for r, state in self.changes if state != DURABLE]
        if not loose:
            return self.all()
        how = rng.choice(["none", "all", "first", "torn", "mixed", "sectors", "size"])
        if how == "all":
            return self.all()
        n = rng.randrange(len(loose)) if how in ("first", "torn") else 0
        out = self.version(loose[:n])
        if how == "torn" and loose[n].kind == "write":
            r = loose[n]
            part = r.data[:rng.randrange(len(r.data))]
            out.extend(b"\0" * (r.at - len(out)))
            out[r.at:r.at + len(part)] = part
        if how in ("mixed", "sectors", "size"):
            versions = [out, self.all()]
            if how == "mixed":
                versions += [self.version(loose[:rng.randrange(len(loose) + 1)]) for _ in range(2)]
            out = mixed(versions, rng, how != "size")
        return out

    def version(self, loose):
        """With what is durable, and these."""
        keep = set(loose)
        return self.with_changes([r for r, state in self.changes if state == DURABLE or r in keep])


def mixed(versions, rng, written):
    """The greatest length; of the sectors some as they were at one time, some as at another: a sector is written as it
    stands in the cache at some moment. Not written: none is newer than in the first."""
    out = bytearray(versions[0])
    longest = max(map(len, versions))
    out.extend(b"\0" * (longest - len(out)))
    for at in range(0, longest if written else 0, SECTOR):
        new = rng.choice(versions)[at:at + SECTOR]
        out[at:at + len(new)] = new
    return out


class Directory:
    def __init__(self):
        self.names = {}    # as a reader sees them
        self.durable = {}


class Disk:
    """The directory `root` as it is now, all of it durable; then told what happens to it."""

    def __init__(self, root):
        self.root = root
        self.dirs = {}
        self.fds = {}
        self.moves = []    # changes of names: [record, state, [(directory path, name, node or None), ...]]
        self._load(root)

    def _load(self, path):
        d = self.dirs[path] = Directory()
        for name in os.listdir(path):
            full = os.path.join(path, name)
            if os.path.isdir(full):
                d.names[name] = self._load(full)
            else:
                with open(full, "rb") as f:
                    d.names[name] = File(f.read())
        d.durable = dict(d.names)
        return d

    def _split(self, path):
        d, name = os.path.split(path)
        return self.dirs[d], name

    def _lookup(self, path):
        if path in self.dirs:
            return self.dirs[path]
        d, name = os.path.split(path)
        return self.dirs[d].names.get(name) if d in self.dirs else None

    def _change(self, record, steps):
        """steps: (directory, name, node that it gets or None, node that it must have or None)."""
        for d, name, node, _ in steps:
            if node is None:
                d.names.pop(name, None)
            else:
                d.names[name] = node
        self.moves.append([record, PENDING, steps])

    def replay(self, trace):
        for r in read_trace(trace):
            getattr(self, "on_" + r.kind)(r)
        return self

    def on_open(self, r):
        path = r.paths()[0]
        node = self._lookup(path)
        if node is None:
            node = File()
            d, name = self._split(path)
            self._change(r, [(d, name, node, None)])
        elif r.flags & os.O_TRUNC and node.changes + [node.base] != [b""]:
            r.kind, r.at = "truncate", 0
            node.changes.append([r, PENDING])
        self.fds[r.fd] = node

    def on_close(self, r):
        self.fds.pop(r.fd, None)

    def on_write(self, r):
        if not r.error:
            self.fds[r.fd].changes.append([r, PENDING])

    on_truncate = on_write

    def on_allocate(self, r):
        pass  # neither size nor content changes

    def on_sync(self, r):
        node = self.fds[r.fd]
        if isinstance(node, File):
            node.synced(r.began, FORGOTTEN if r.error else DURABLE)
        elif not r.error:
            for m in self.moves:
                if m[1] == PENDING and m[0].index <= r.began and any(s[0] is node for s in m[2]):
                    m[1] = DURABLE
                    apply(m[2], lambda d: d.durable)
            self.moves = [m for m in self.moves if m[1] == PENDING]

    def on_rename(self, r):
        if r.error:
            return
        a, b = r.paths()
        node = self._lookup(a)
        da, na = self._split(a)
        db, nb = self._split(b)
        self._change(r, [(da, na, None, node), (db, nb, node, None)])

    def on_link(self, r):
        if not r.error:
            a, b = r.paths()
            d, name = self._split(b)
            self._change(r, [(d, name, self._lookup(a), None)])

    def on_unlink(self, r):
        if not r.error:
            path = r.paths()[0]
            d, name = self._split(path)
            self._change(r, [(d, name, None, self._lookup(path))])

    def on_mkdir(self, r):
        path = r.paths()[0]
        if not r.error:
            d, name = self._split(path)
            self.dirs[path] = Directory()
            self._change(r, [(d, name, self.dirs[path], None)])

    # --- making it real --------------------------------------------------------------------------------------------

    def cut(self, rng):
        """Replace the directory by one that a power cut at the trace's end may have left. Returns words for it."""
        how = rng.choice(["no", "all", "first", "some"])
        n = {"no": 0, "all": len(self.moves)}.get(how, rng.randrange(len(self.moves) + 1))
        keep = [m for i, m in enumerate(self.moves) if (i < n if how != "some" else rng.random() < 0.5)]
        names = {id(d): dict(d.durable) for d in self.dirs.values()}
        for m in keep:
            apply(m[2], lambda d: names[id(d)])
        contents = {}
        replace(self.root, lambda tmp: self._write(tmp, self.dirs[self.root], names, contents, rng))
        return "%s of %d loose names kept" % (how, len(self.moves))

    def _write(self, path, d, names, contents, rng):
        os.makedirs(path, exist_ok=True)
        for name, node in names[id(d)].items():
            full = os.path.join(path, name)
            if isinstance(node, Directory):
                self._write(full, node, names, contents, rng)
                continue
            if id(node) not in contents:
                contents[id(node)] = bytes(node.after_cut(rng))
            with open(full, "wb") as f:
                f.write(contents[id(node)])

    def differences(self):
        """Where the real directory is not what the trace says: the shim missed something."""
        out = []
        for path, d in self.dirs.items():
            real = set(os.listdir(path)) if os.path.isdir(path) else set()
            if real != set(d.names):
                out.append("%s: %r, traced %r" % (path, sorted(real), sorted(d.names)))
            for name, node in d.names.items():
                full = os.path.join(path, name)
                if isinstance(node, File) and os.path.exists(full):
                    with open(full, "rb") as f:
                        if f.read() != node.all():
                            out.append("%s: other bytes" % full)
        return out


def apply(steps, names_of):
    """Change names, where they are still what the change was made from."""
    for d, name, node, was in steps:
        names = names_of(d)
        if node is not None:
            names[name] = node
        elif names.get(name) is was:
            del names[name]


def replace(root, write):
    tmp = root + ".new"
    shutil.rmtree(tmp, ignore_errors=True)
    write(tmp)
    shutil.rmtree(root)
    os.rename(tmp, root)
