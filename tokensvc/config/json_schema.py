"""Describes the configuration file as a JSON Schema, for editors; what needs more than one key is left to `check`."""

import ast
import inspect
import json
from itertools import pairwise
from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue

from tokensvc.config.file import Configuration
from tokensvc.config.values import Model

FILE_NAME = "tokensvc.schema.json"
HEADER = f"#:schema ./{FILE_NAME}\n"  # the first line of a TOML file, as Taplo and its editors read it


def json_schema() -> str:
    """Return the JSON Schema (draft 2020-12) of the configuration file, as the content of a file."""
    schema = Configuration.model_json_schema(schema_generator=_AsWritten)
    for model in Model.__subclasses__():
        keys = (schema if model is Configuration else schema["$defs"][model.__name__])["properties"]
        for name, meaning in docstrings(inspect.getsource(model)).items():
            if name in keys:
                keys[name]["description"] = meaning
    schema = {"$schema": GenerateJsonSchema.schema_dialect, **schema, "title": "tokensvc.toml"}
    return json.dumps(schema, indent=2) + "\n"


def docstrings(source: str) -> dict[str, str]:
    """Return the docstrings below the assignments in *source*, by the name that is assigned to.

    Read when they are needed: to have pydantic do it would delay every start.
    """
    found = {}
    for parent in ast.walk(ast.parse(source)):
        body = getattr(parent, "body", None)
        for statement, below in pairwise(body) if isinstance(body, list) else ():
            target = getattr(statement, "target", None) or next(iter(getattr(statement, "targets", [])), None)
            if isinstance(target, ast.Name) and isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant):
                found[target.id] = inspect.cleandoc(str(below.value.value)).replace("\n", " ")
    return found


class _AsWritten(GenerateJsonSchema):
    def nullable_schema(self, schema: Any) -> JsonSchemaValue:  # noqa: ANN401 - pydantic's
        return self.generate_inner(schema["schema"])  # TOML has no null

    def default_schema(self, schema: Any) -> JsonSchemaValue:  # noqa: ANN401 - pydantic's
        found = super().default_schema(schema)
        default = found.get("default")
        # Others are not as they are written: a duration is a number of seconds here.
        if not isinstance(default, str | bool) and (not isinstance(default, int) or found.get("type") != "integer"):
            found.pop("default", None)
        return found

    def dict_schema(self, schema: Any) -> JsonSchemaValue:  # noqa: ANN401 - pydantic's
        found = super().dict_schema(schema)
        return found | {"additionalProperties": False} if "patternProperties" in found else found

    def field_title_should_be_set(self, _schema: Any) -> bool:  # noqa: ANN401 - pydantic's
        return False
