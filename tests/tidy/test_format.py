"""The tables of shared/FORMAT.md are the layouts of the code, field by field."""

import pathlib
import re

import pytest

from firmware import documents as group_documents
from firmware import readings as desk
from firmware import resets
from firmware.update import job
from shared import chain, command_results, documents, kinds, policy, readings, return_code, state, tariff, update
from shared.wire import Layout

FORMAT = (pathlib.Path(__file__).parents[2] / "shared" / "FORMAT.md").read_text(encoding="utf-8")
LAYOUTS = {
    "Start of a chain": chain._GENESIS,
    "State": state._GATEWAY,
    "State of a meter": state._METER,
    "Hello": documents.HELLO,
    "Batch": documents.BATCH,
    "Acknowledgement": documents.ACK,
    "Hours of the running day": desk.HOURS,
    "Reading": readings.READING,
    "Readings": documents.READINGS,
    "Readings stored": documents.READINGS_ACK,
    "Time": documents.TIME,
    "Command": documents.COMMAND,
    "Payload of TOKEN": documents.TOKEN_PAYLOAD,
    "Payload of MODE": documents.MODE_PAYLOAD,
    "Payload of CONTROL": documents.CONTROL_PAYLOAD,
    "Payload of ADJUST": documents.ADJUST_PAYLOAD,
    "Payload of FACTOR": documents.FACTOR_PAYLOAD,
    "Tariff on flash": group_documents.KEPT,
    "Proof": documents.ENROL,
    "Sealed bundle": documents.SEALED,
    "Context of the box": documents.SEAL_CONTEXT,
    "Bundle": documents.BUNDLE,
    "A meter in the bundle": documents.BUNDLE_METER,
    "Policy": policy.POLICY,
    "Floor": policy.FLOOR,
    "Return code": return_code._CODE,
    "Tariff": tariff.TARIFF,
    "A block of a tariff": tariff.BLOCK,
    "Reset": resets.RESET,
    "Crashes": resets.CRASHES,
    "Manifest": update.MANIFEST,
    "Request for chunks": update.REQUEST,
    "Chunk": update.CHUNK,
    "Update on flash": job.JOB,
    "Progress of an update": job.PROGRESS,
}


def section(title: str) -> str:
    return FORMAT.split(f"### {title}\n", 1)[1].split("\n#", 1)[0]


@pytest.mark.parametrize("title", LAYOUTS)
def test_a_table_lists_the_fields_of_its_layout_in_order(title: str) -> None:
    layout: Layout = LAYOUTS[title]

    listed = re.findall(r"^\| [\d…]+ \| [\d+ n]+ \| (\w+) \| ([usbv]\d+) \|$", section(title), re.MULTILINE)

    assert listed == [tuple(field) for field in layout.fields]
    assert not layout.tag or f"tag `{layout.tag.decode()}`" in section(title)


def test_every_field_of_policy_and_floor_is_listed() -> None:
    for number, name, size, default in policy.POLICY_FIELDS + policy.FLOOR_FIELDS:
        assert f"| {number} | {name} | {size} | {default} |" in FORMAT


def test_every_kind_of_entry_is_named() -> None:
    for number, name in enumerate(kinds.KIND_NAMES[1:], 1):
        assert re.search(rf"\b{name.upper().replace(' ', '_')}\b", FORMAT), number


def test_every_result_of_a_command_is_listed() -> None:
    for code, name, sentence in command_results.RESULTS:
        assert f"| 0x{code:02X} | {name} | {sentence} |" in FORMAT
