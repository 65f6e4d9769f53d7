"""Weight matrices inside documents: the rules that checkpoints and networks share."""

from .document import Document
from .rules import Rejection


@fieldwise_init
struct Shape(TrivialRegisterPassable):
    """The shape of a valid weight matrix."""

    var outputs: Int
    """Rows."""
    var inputs: Int
    """Columns; 0 for `[]`, where any number is due."""


def shape(document: Document, matrix: Int) -> Shape:
    """Measures a matrix whose rank has been checked.

    Args:
        document: Holds the matrix.
        matrix: An array of equally long arrays.

    Returns:
        Its shape.
    """
    if document.is_stored(matrix):
        ref lengths = document.stored(matrix).shape
        return Shape(lengths[0], lengths[1])
    var row = document.first(matrix)
    return Shape(
        document.size(matrix), document.size(row.value()) if row else 0
    )


def weight_type(
    document: Document, matrix: Int, code: StaticString
) raises Rejection:
    """Raises `code` where a leaf, at any depth, is no Number."""
    if document.is_stored(matrix):
        return inexact(document, matrix, code)
    # An object is a leaf too, so the walk never gets inside one.
    for node in range(matrix, document.end(matrix)):
        if not document.is_array(node) and not document.number(node):
            raise document.reject(code, node, "a Number")


def inexact(
    document: Document, array: Int, code: StaticString
) raises Rejection:
    """Raises `code` where a file has an integer that binary64 cannot hold."""
    var place = document.stored(array).inexact
    if place:
        raise document.reject_stored(
            code, array, place.value(), "an integer that binary64 can hold"
        )


def weight_rank(
    document: Document, matrix: Int, code: StaticString
) raises Rejection:
    """Raises `code` unless the matrix is an array of equally long arrays of leaves."""
    if document.is_stored(matrix):
        if len(document.stored(matrix).shape) != 2:
            raise document.reject(code, matrix, "a matrix")
        return
    if not document.is_array(matrix):
        raise document.reject(code, matrix, "an array of rows")
    var row_number = 0
    for row in document.items(matrix):
        var flaw = _row_flaw(document, row, shape(document, matrix).inputs)
        if flaw:
            raise document.reject_because(
                code, matrix, String("row ", row_number, " ", flaw.value())
            )
        row_number += 1


def weight_tensor(
    document: Document, array: Int, code: StaticString
) raises Rejection:
    """Raises `code` unless a value is a rectangular array of four dimensions, each of at least 1."""
    if len(tensor_shape(document, array)) != 4:
        raise document.reject(
            code, array, "a rectangular array of four dimensions, each >= 1"
        )


def tensor_shape(document: Document, array: Int) -> List[Int]:
    """Measures an array of any rank.

    Args:
        document: Holds the array.
        array: Any value.

    Returns:
        Its lengths, none of which is 0; nothing for what is not rectangular, or no array.
    """
    var shape: List[Int] = []
    if document.is_stored(array):
        shape = document.stored(array).shape.copy()
        return [] if 0 in shape else shape^
    var values: List[Int] = [array]
    while document.is_array(values[0]):
        var length = document.size(values[0])
        var items: List[Int] = []
        for value in values:
            if not document.is_array(value) or document.size(value) != length:
                return []
            for item in document.items(value):
                items.append(item)
        if length == 0:
            return []
        shape.append(length)
        values = items^
    for value in values:
        if document.is_array(value):
            return []
    return shape^


def _row_flaw(document: Document, row: Int, inputs: Int) -> Optional[String]:
    """Tells why a row is none of a matrix with so many inputs."""
    if not document.is_array(row):
        return String("is ", document.describe(row), ", expected an array")
    for item in document.items(row):
        if document.is_array(item):
            return String("holds an array, expected Numbers")
    if document.size(row) != inputs:
        return String(
            "has ", document.size(row), " entries, row 0 has ", inputs
        )
    return None


def finite[
    dtype: DType = DType.float64
](document: Document, root: Int, code: StaticString) raises Rejection:
    """Raises `code` where a leaf, once it is rounded, is NaN or an infinity; all leaves are Numbers."""
    if document.is_stored(root):
        var place = document.stored(root).not_finite[dtype]()
        if place:
            raise document.reject_stored(
                code, root, place.value(), finite_value[dtype]()
            )
        return
    for node in range(root, document.end(root)):
        var value = document.number(node)
        if value and not is_finite[dtype](value.value()):
            raise document.reject(code, node, finite_value[dtype]())


def is_finite[dtype: DType = DType.float64](value: Float64) -> Bool:
    """Tells whether a value is finite, once it is rounded.

    Parameters:
        dtype: The type that it is rounded to.

    Args:
        value: The value.

    Returns:
        False for NaN, infinities and what becomes infinite.
    """
    var rounded = Scalar[dtype](value)
    return rounded - rounded == 0


def finite_value[dtype: DType]() -> StaticString:
    """Says what is due where a value is not finite."""
    comptime if dtype == DType.float32:
        return "what binary32 holds as a finite value"
    else:
        return "a finite value"
