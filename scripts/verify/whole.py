"""Times as whole numbers: Python's own types cannot hold all of them."""

import pyarrow


def whole(kind):
    """The type to cast a column of dates or timestamps to, lists of them included; any other type stays."""
    if pyarrow.types.is_date32(kind):
        return pyarrow.int32()
    if pyarrow.types.is_timestamp(kind):
        return pyarrow.int64()
    if pyarrow.types.is_list(kind) or pyarrow.types.is_large_list(kind):
        return pyarrow.list_(whole(kind.value_type))
    return kind
