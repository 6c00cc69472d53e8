"""JSON Schemas of the files people edit, for editors that complete and check as you type.

`python -m params.schema` writes them; a test keeps them in step.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from params.instruments import FOLDER as INSTRUMENTS
from params.instruments import Instrument
from params.local import KEY, LocalRule
from params.plan import PlanFile
from params.protocols import protocol_schema
from params.register import ROOT, Assumption, Value, read_register


def _value_schema(entry: Assumption) -> dict[str, Any]:
    values: list[Value] = entry.values()
    if entry.unit == "switch":
        return {"type": "boolean"}
    if entry.unit == "choice":
        return {"enum": entry.choices}
    limits = {"minimum": 0, "maximum": 1} if entry.unit in ("share", "share a month") else {}
    return {"type": "number", **limits, "default": values[-1]}


def scenario_schema() -> dict[str, Any]:
    """Schema of `params/scenarios/*.toml`: every assumption by its dotted place, with unit and range."""
    root: dict[str, Any] = {"type": "object", "additionalProperties": False, "properties": {}}
    for name, entry in read_register().items():
        *groups, leaf = name.split(".")
        node = root
        for group in groups:
            node = node["properties"].setdefault(
                group, {"type": "object", "additionalProperties": False, "properties": {}}
            )
        value = _value_schema(entry)
        dated = {"from": {"type": "string", "format": "date"}, "value": value}
        dated |= {"reason": {"type": "string"}, "by": {"type": "string"}}
        node["properties"][leaf] = {
            "title": f"{name} ({entry.unit})",
            "description": entry.note,
            "anyOf": [
                value,
                {
                    "type": "object",
                    "additionalProperties": False,
                    "properties": {**dated, "unit": {"const": entry.unit}, "dated": {"type": "array"}},
                },
            ],
        }
    own = instrument_schema()
    root["properties"][INSTRUMENTS] = {
        "type": "object",
        "description": "Grant instruments by name: one of params/instruments with what differs, or a new one.",
        "additionalProperties": {key: own[key] for key in ("type", "properties", "additionalProperties")},
    }
    root["properties"] |= {"why": {"type": "string", "minLength": 1}, "extends": {"type": "string"}}
    root["properties"][KEY] = {"type": "array", "items": LocalRule.model_json_schema()}
    root["required"] = ["why"]
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Scenario", **root}


def instrument_schema() -> dict[str, Any]:
    """Schema of one instrument in `params/instruments/*.toml`."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **Instrument.model_json_schema()}


def register_schema() -> dict[str, Any]:
    """Schema of one assumption in `params/assumptions/*.toml`."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **Assumption.model_json_schema()}


def plan_schema() -> dict[str, Any]:
    """Schema of `plan.toml` of a change plan."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **PlanFile.model_json_schema()}


def write_schemas(folder: Path) -> None:
    """Write every schema into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    made = {
        "scenario": scenario_schema(),
        "assumption": register_schema(),
        "instrument": instrument_schema(),
        "plan": plan_schema(),
        "protocol": protocol_schema(),
    }
    for name, schema in made.items():
        text = json.dumps(schema, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
        (folder / f"{name}.schema.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write_schemas(ROOT / "schema")
