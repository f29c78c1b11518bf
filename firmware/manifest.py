"""The files of a frozen image: `FROZEN_MANIFEST=firmware/manifest.py`. Asserts stay in (opt=0)."""

package("shared", base_path="..", opt=0)  # noqa: F821  freezing gives these names
package("firmware", base_path="..", opt=0)  # noqa: F821
require("umqtt.simple")  # noqa: F821
