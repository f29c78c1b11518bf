"""A limit that a field adds to a type that has one already is not checked: pydantic keeps one of the two."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from annotated_types import GroupedMetadata
from pydantic import BaseModel

from cloud.api.fields import Body, Query
from cloud.app import ROUTES


def test_no_field_has_a_limit_twice() -> None:
    assert ROUTES, "importing them has made every model"
    twice = [
        f"{model.__module__}.{model.__name__}.{name}: {kind}"
        for model in {*_below(Body), *_below(Query)}
        for name, field in model.model_fields.items()
        for kind, count in Counter(type(one).__name__ for one in _flat(field.metadata)).items()
        if count > 1 and kind in ("Ge", "Gt", "Le", "Lt", "MinLen", "MaxLen")
    ]

    assert not twice, "write Annotated[int, Field(...)] with all limits: " + ", ".join(sorted(twice))


def _below(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    for child in model.__subclasses__():
        yield child
        yield from _below(child)


def _flat(metadata: list[Any]) -> Iterator[Any]:
    for one in metadata:
        if isinstance(one, GroupedMetadata):
            yield from one
        else:
            yield one
