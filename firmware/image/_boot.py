"""Mounts the file system before anything else runs. It never makes one: what is on a damaged one may be evidence."""

import rp2
import vfs

try:
    vfs.mount(vfs.VfsLfs2(rp2.Flash(), progsize=256, readsize=256, mtime=False), "/")
except OSError:
    pass  # main.py finds none, and says so
