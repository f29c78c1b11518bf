"""What the viper compiler knows without an import, for the type checker alone; there is no module of this name."""

from collections.abc import Callable
from typing import Any, TypeAlias, TypeVar

_Function = TypeVar("_Function", bound=Callable[..., Any])

ptr8: TypeAlias = Any
ptr16: TypeAlias = Any

class micropython:
    @staticmethod
    def viper(function: _Function) -> _Function: ...
