"""Frozen, slotted value types, made without generating code.

Anybody may import this.  It stands in for ``@dataclass(frozen=True, slots=True)`` where a
one-shot command needs the type: each such class costs 0.95 ms of generated code, and
``import dataclasses`` eight, which for ``quotadeck status`` came to four empty Pythons.
A type checker sees the dataclass that it stands for.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, ClassVar, TypeVar, dataclass_transform

    T = TypeVar("T", bound="Record")
else:

    def dataclass_transform(**_: object) -> object:
        """What ``typing`` has under this name, without importing it."""
        return lambda cls: cls


_set = object.__setattr__


@dataclass_transform(frozen_default=True)
class RecordType(type):
    """Turns the annotations of a class into slots; a value beside one is its default."""

    def __new__(mcs, name: str, bases: tuple[type, ...], namespace: dict[str, Any]) -> RecordType:
        fields = tuple(namespace.get("__annotations__", ()))
        defaults = {field: namespace.pop(field) for field in fields if field in namespace}
        namespace |= {"__slots__": fields, "__match_args__": fields, "_fields": fields, "_defaults": defaults}
        return super().__new__(mcs, name, bases, namespace)


class Record(metaclass=RecordType):
    """A frozen value: equal by its fields, hashable if they are, changed by `replace`.

    A class may name fields in ``_hidden`` that its repr leaves out.
    """

    if TYPE_CHECKING:
        _fields: ClassVar[tuple[str, ...]]
        _defaults: ClassVar[dict[str, object]]
        _hidden: ClassVar[tuple[str, ...]]
    else:
        _hidden = ()

    def __init__(self, *args: object, **named: object) -> None:
        fields = self._fields
        if len(args) > len(fields):
            raise TypeError(f"{type(self).__name__} takes {len(fields)} values, not {len(args)}")
        for field, value in zip(fields, args, strict=False):
            _set(self, field, value)
        defaults = self._defaults
        for field in fields[len(args) :]:
            if field in named:
                _set(self, field, named.pop(field))
            elif field in defaults:
                _set(self, field, defaults[field])
            else:
                raise TypeError(f"{type(self).__name__} lacks {field!r}")
        if named:
            raise TypeError(f"{type(self).__name__} has no {next(iter(named))!r} to give a value")

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{type(self).__name__} is frozen")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"{type(self).__name__} is frozen")

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if type(other) is not type(self):
            return NotImplemented
        return all(getattr(self, f) == getattr(other, f) for f in self._fields)

    def __hash__(self) -> int:
        return hash(tuple(getattr(self, f) for f in self._fields))

    def __repr__(self) -> str:
        shown = (f for f in self._fields if f not in self._hidden)
        return f"{type(self).__name__}({', '.join(f'{f}={getattr(self, f)!r}' for f in shown)})"


def replace(record: T, **changes: Any) -> T:
    """A copy with these fields changed; raises TypeError for a field there is not."""
    kept = {f: getattr(record, f) for f in record._fields}
    return type(record)(**kept | changes)
