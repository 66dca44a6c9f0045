"""Server tools: functions that the service runs when the model calls them."""

import importlib
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, IPvAnyNetwork, JsonValue, model_validator

from tokensvc.config.addresses import web_address
from tokensvc.config.values import Duration, Limits, Model, Pause
from tokensvc.plain_text import visible

LONGEST_TIMEOUT = 60  # seconds
LONGEST_SHOWN = 200  # characters of an argument in a question
LONGEST_HOLD = 10  # seconds
ToolName = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,63}$")]
_ARGUMENT = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")


def _function(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*", value, re.ASCII):
        raise ValueError("write the module and the function, such as “shop.tools:find_order”")
    return value


def _endpoint(value: str) -> str:
    """Check a URL whose path may have `{argument}`s."""
    web_address(_ARGUMENT.sub("x", value), path=True)
    if _ARGUMENT.search(value.split("/", 3)[2]):
        raise ValueError("an argument may be in the path only, not in the host")
    return value


def _bound(value: str) -> str:
    for word in re.findall(r"\$\{([^}]*)\}?", value):
        if word not in {"subject", "issuer"} and not word.startswith("claims."):
            raise ValueError(f"“${{{word}}}” is not known; write ${{subject}}, ${{issuer}} or ${{claims.NAME}}")
    return value


class ServerTool(Model):
    """A function that the model may call and the service runs: in Python, or at a URL."""

    python: Annotated[str, AfterValidator(_function)] | None = None
    """The function, as `module:name`. One of this and `url` is required."""
    url: Annotated[str, AfterValidator(_endpoint)] | None = None
    """The endpoint; an `{argument}` may be in its path."""
    description: str | None = None
    """Tells the model when to call it. Required with `url`; a function has its docstring."""
    parameters: dict[str, JsonValue] | None = None
    """Of a `url`: Google's `Schema` of an object. A function's are read from its signature."""
    bind: dict[str, Annotated[str, AfterValidator(_bound)]] = Field(default_factory=dict)
    """Arguments that we fill in: `${subject}`, `${issuer}`, `${claims.NAME}` or plain text."""
    label: Annotated[str, Field(min_length=1, max_length=80)] | None = None
    """What the person sees while it runs."""
    per_conversation: Annotated[int, Field(ge=1, strict=True)] = 100
    """Calls in one conversation."""
    limits: Limits = ()
    """Calls of one person, such as `60/hour`."""
    timeout: Annotated[int, Duration, Field(ge=1, le=LONGEST_TIMEOUT)] = 8
    """How long it may take, at most `60s`."""
    hold: Annotated[float, Pause, Field(le=LONGEST_HOLD)] | None = None
    """A pause such as `1.5s` before it takes effect, in which the person can say stop; at most `10s`."""
    refusals: tuple[Annotated[str, Field(min_length=1, max_length=40)], ...] = ()
    """What stops it, besides “stop”, “no”, “wait” and the like."""
    confirm: Annotated[str, Field(min_length=1, max_length=400)] | None = None
    """A question such as `Refund {amount} for order {number}?`, which the person answers by a button."""
    same: tuple[str, ...] = ()
    """The arguments that make two calls the same: for ten minutes, the second gets the answer of the first."""
    behavior: Literal["BLOCKING", "NON_BLOCKING"] | None = None
    """Whether the model waits for the result; without it, as the model does by itself. 3.1 only blocks, extended
    thinking never does."""
    scheduling: Literal["INTERRUPT", "WHEN_IDLE", "SILENT"] | None = None
    """When a model that does not wait uses the result."""
    pure: bool = False
    """Whether it changes nothing: it may run again if its first run was cut off, and an equal call within 5 s gets
    the answer of the first."""
    audit_args: bool = False
    """Whether the audit keeps the arguments, and not only their SHA-256."""
    private_networks: tuple[IPvAnyNetwork, ...] = ()
    """Private networks that a `url` may be in."""

    @model_validator(mode="after")
    def _is_python_or_url(self) -> Self:
        if (self.python is None) == (self.url is None):
            raise ValueError("write one of python and url")
        if self.python is not None and (self.parameters is not None or self.private_networks):
            raise ValueError("parameters and private_networks are for a url; a function declares its own parameters")
        if self.url is not None and not self.description:
            raise ValueError("description is missing: it tells the model when to call this url")
        return self

    @property
    def waits(self) -> bool:
        """Whether a call takes effect only after a pause, or once the person has confirmed it."""
        return self.hold is not None or self.confirm is not None

    def named_in(self, text: str | None) -> list[str]:
        """Return the `{arguments}` in *text*: *url* or *confirm*."""
        return _ARGUMENT.findall(text or "")

    def sentence(self, args: Mapping[str, object]) -> str | None:
        """Return *confirm* with the arguments filled in, in plain characters."""
        if self.confirm is None:
            return None
        return _ARGUMENT.sub(lambda match: _shown(args.get(match[1], "")), self.confirm)


def _shown(value: object) -> str:
    text = visible(str(value))
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}…"  # so that nobody agrees to what is hidden


@lru_cache(maxsize=64)
def load_function(path: str) -> Callable[..., Any]:
    """Import what *path*, such as `shop.tools:find_order`, names.

    Raises:
        ImportError, AttributeError: if there is no such module, or name in it.
        Exception: whatever the module raises.
    """
    module, _, name = path.partition(":")
    found: Any = importlib.import_module(module)
    for part in name.split("."):
        found = getattr(found, part)
    return found  # type: ignore[no-any-return]
