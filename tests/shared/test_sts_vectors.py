"""Every STS vector of tests/vectors/sts.json, on both interpreters, through the same code as `tools.sts vectors`."""

from shared.sts.sample_tables import sample_tables
from tests.helpers import load_vectors, raises
from tools.sts_vector_blocks import BLOCK_KINDS
from tools.sts_vector_tokens import TOKEN_KINDS
from tools.sts_vectors import run_vector

VECTORS = load_vectors("sts")["vectors"]


def test_every_vector_passes():
    for vector in VECTORS:
        wrong = run_vector(vector, None)

        assert not wrong, (vector["id"], wrong)


def test_every_kind_of_vector_occurs():
    kinds = {vector["kind"] for vector in VECTORS}

    assert kinds == set(BLOCK_KINDS) | set(TOKEN_KINDS)
    assert len(VECTORS) == 266


def test_a_vector_that_is_changed_in_any_expectation_fails():
    for vector in VECTORS:
        for name in vector["expected"]:
            changed = dict(vector["expected"])
            changed[name] = "changed"

            wrong = run_vector({"kind": vector["kind"], "input": vector["input"], "expected": changed}, None)

            assert wrong, (vector["id"], name)


def test_a_vector_of_an_unknown_kind_fails():
    assert run_vector({"id": "x", "kind": "sha0", "input": {}, "expected": {}}, None) == ["unknown kind 'sha0'"]


def test_an_expectation_that_the_code_does_not_work_out_fails():
    vector = {"kind": "luhn", "input": {"digits": "0"}, "expected": {"check_digit": "0", "colour": "red"}}

    assert run_vector(vector, None) == ["colour: expected red, not worked out"]


def test_a_vector_for_the_tables_of_a_file_needs_that_file():
    vector = dict(next(v for v in VECTORS if v["kind"] == "sta_block"))
    vector["input"] = dict(vector["input"])
    vector["input"]["tables"] = "file"

    without, with_file = run_vector(vector, None), run_vector(vector, sample_tables())

    assert "TablesError" in without[0]
    assert with_file == []


def test_helpers_raises_fails_when_nothing_is_raised():
    raises(AssertionError, raises, ValueError, len, "")
