"""A manifest is read as it was written, or not at all."""

import hashlib

from hypothesis import given
from hypothesis import strategies as st

from flows.trainings.manifest import StoredFile, parsed, rendered


@given(
    st.dictionaries(
        st.text("ab/.", min_size=1).filter(lambda name: parsed_name(name) is not None),
        st.tuples(st.binary(max_size=9), st.integers(0, 2**40)),
        min_size=1,
        max_size=4,
    ),
    st.data(),
)
def test_manifest_cut_off_anywhere_is_none(files, data):
    manifest = {
        name: StoredFile(hashlib.sha256(content).hexdigest(), size)
        for name, (content, size) in files.items()
    }
    whole = rendered(manifest)
    assert parsed(whole) == manifest
    assert parsed(whole[: data.draw(st.integers(0, len(whole) - 2))]) is None


def parsed_name(name):
    return parsed(b'{"%s": {"sha256": "%s", "size": 1}}' % (name.encode(), b"0" * 64))
