"""Steps that a processor does for many numbers at once, where numba would do them one at a time.

Each is a few vector instructions on any processor: LLVM chooses them. Nothing here checks bounds.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

WIDTH = 16  # whole numbers looked at together
_BYTE, _SHORT, _INT, _LONG = (ir.IntType(bits) for bits in (8, 16, 32, 64))
_NUMBERS = ir.VectorType(_LONG, WIDTH)
_NONE = ir.Constant(_NUMBERS, [0] * WIDTH)


def _at(context: Any, builder: Any, kind: Any, array: Any, place: Any, several: Any) -> Any:
    """Where some elements of an array from a place on lie, as several together."""
    first = builder.gep(context.make_array(kind)(context, builder, array).data, [place])
    return builder.bitcast(first, several.as_pointer())


def _each(builder: Any, value: Any, count: int) -> Any:
    """The same value `count` times."""
    several, places = ir.VectorType(value.type, count), ir.VectorType(_INT, count)
    one = builder.insert_element(ir.Constant(several, ir.Undefined), value, _INT(0))
    return builder.shuffle_vector(one, ir.Constant(several, ir.Undefined), ir.Constant(places, [0] * count))


@intrinsic
def bits(_: Any, flags: Any, place: Any) -> Any:
    """Sixty-four flags (bytes that are 0 or 1) from a place on, as the bits of one word, the first the lowest."""
    many = ir.VectorType(_BYTE, 64)

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array, where = arguments
        read = builder.load(_at(context, builder, signature.args[0], array, where, many), align=1)
        return builder.bitcast(builder.icmp_unsigned("!=", read, ir.Constant(many, [0] * 64)), _LONG)

    return types.uint64(flags, place), build


@intrinsic
def write_eight(_: Any, rows: Any, place: Any, near: Any, first: Any) -> Any:
    """Write eight row numbers from a place on: the bytes of the word `near`, each more than `first` by so much."""
    eight = ir.VectorType(_INT, 8)

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array, where, word, start = arguments
        far = builder.zext(builder.bitcast(word, ir.VectorType(_BYTE, 8)), eight)
        number = builder.add(far, _each(builder, builder.trunc(start, _INT), 8))
        builder.store(number, _at(context, builder, signature.args[0], array, where, eight), align=4)
        return context.get_dummy_value()

    return types.void(rows, place, near, first), build


@intrinsic
def passed(_: Any, edges: Any, place: Any, mark: Any) -> Any:
    """How many of WIDTH edges from a place on do not exceed a mark."""

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array, where, limit = arguments
        read = builder.load(_at(context, builder, signature.args[0], array, where, _NUMBERS), align=8)
        below = builder.icmp_signed("<=", read, _each(builder, limit, WIDTH))
        return builder.ctpop(builder.zext(builder.bitcast(below, _SHORT), _LONG))

    return types.int64(edges, place, mark), build


@intrinsic
def lower(_: Any, edges: Any, place: Any, first: Any, lost: Any) -> Any:
    """Lower, of WIDTH edges from a place on, the one numbered `first` and those after it."""

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array, where, start, less = arguments
        to = _at(context, builder, signature.args[0], array, where, _NUMBERS)
        after = builder.icmp_signed(">=", ir.Constant(_NUMBERS, list(range(WIDTH))), _each(builder, start, WIDTH))
        change = builder.select(after, _each(builder, less, WIDTH), _NONE)
        builder.store(builder.sub(builder.load(to, align=8), change), to, align=8)
        return context.get_dummy_value()

    return types.void(edges, place, first, lost), build


@intrinsic
def product(_: Any, one: Any, other: Any, place: Any, least: Any) -> Any:
    """Sum, over WIDTH places, of one array times another where the other is at least so much."""

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        left, right, where, limit = arguments
        kinds = signature.args
        factor = builder.load(_at(context, builder, kinds[0], left, where, _NUMBERS), align=8)
        number = builder.load(_at(context, builder, kinds[1], right, where, _NUMBERS), align=8)
        enough = builder.icmp_signed(">=", number, _each(builder, limit, WIDTH))
        terms = builder.select(enough, builder.mul(factor, number), _NONE)
        kind, name = ir.FunctionType(_LONG, [_NUMBERS]), f"llvm.vector.reduce.add.v{WIDTH}i64"
        add = builder.module.declare_intrinsic(name, fnty=kind)
        return builder.call(add, [terms])

    return types.int64(one, other, place, least), build
