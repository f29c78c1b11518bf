"""What is frozen into the image of an RP2040 board: the gateway, its board's map, and what mounts its file system.

Asserts stay in (opt=0). `PENSTOCK_OWN` has board.py and main.py of the board that is built for, and the public key of
its releases.
"""

import os

include("$(MPY_DIR)/extmod/asyncio")  # noqa: F821  freezing gives these names
module("rp2.py", base_path="$(PORT_DIR)/modules", opt=0)  # noqa: F821
module("_boot.py", base_path=".", opt=0)  # noqa: F821
for _name in ("board.py", "main.py", "release_key.py"):
    module(_name, base_path=os.environ["PENSTOCK_OWN"], opt=0)  # noqa: F821
package("shared", base_path="../..", opt=0)  # noqa: F821
package("firmware", base_path="../..", opt=0)  # noqa: F821
package("umqtt", base_path=os.environ["PENSTOCK_LIBRARY"], opt=0)  # noqa: F821
