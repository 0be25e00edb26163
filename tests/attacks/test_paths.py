"""One address, one meaning: what policy judged is what the handler does, however the address was bent."""

from __future__ import annotations

import random
import re
import socket
import ssl
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, unquote_to_bytes

import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from assay.errors import Forbidden
from assay.policy import OpaWasm
from assay.policy.decisions import AUTHZ, NOTHING, Answer, PolicyEngine
from assay.policy.subject import Subject
from assay.web.app import build_app
from assay.web.routes import Routes
from tests.contract.policy.callers import DANA
from tests.integration.identity.lab import AllowListed, Edged, Known, Lab, Rooted
from tests.support.ledger import WASM

PATHS = 12_000
SEED = 20261121
WORDS = ["v1", "open", "closed", "mine-1", "mine-2", "theirs-1", "V1", "Open", ""]
BENT = [
    *(
        ".",
        "..",
        "%2e",
        "%2e%2e",
        "%2E%2E",
        ".%2e",
        "%2e.",
        "..;",
        "..;/",
        "...",
        "%252e%252e",
        "%25252e",
        "..%00",
    ),
    *(
        "%c0%ae%c0%ae",
        "%e0%80%ae",
        "%f0%80%80%ae",
        "%c0%2e",
        "%uff0e",
        "%u002e",
        "%%32%65",
        "%%35%63",
        "%ef%bc%8e",
    ),
    *("%2f", "%2F", "%252f", "%c0%af", "%e0%80%af", "%5c", "%255c", "\\", "..\\", "..%5c", "%2f%2e%2e%2f"),
    *(
        "%00",
        "%0a",
        "%0d%0a",
        "%09",
        "%20",
        "+",
        "%7f",
        "%ff",
        "%fe%ff",
        "%c3",
        "\xc3\xa9",
        "%c3%a9",
        "%e2%80%8b",
    ),
    *(
        ";",
        ";mine-1",
        ";a=b",
        "%3b",
        "?",
        "%3f",
        "?a=/v1/closed/x",
        "#",
        "%23",
        "@",
        ":",
        "&",
        "=",
        "~",
        "*",
        "%",
    ),
    *(
        "mine-1%2f..%2ftheirs-1",
        "mine-1/../theirs-1",
        "mine-1;/../theirs-1",
        "mine-%31",
        "mine-1%",
        "theirs%2d1",
    ),
]
ABSOLUTE = ["https://registry.test", "http://127.0.0.1:1", "//registry.test", "///", "/."]


def generated(number: int = PATHS) -> list[str]:
    """Return different bent addresses, the same in every run."""
    chance, found = random.Random(SEED), dict[str, None]()  # noqa: S311 - the same in every run
    while len(found) < number:
        parts = [chance.choice(WORDS if chance.random() < 0.6 else BENT) for _ in range(chance.randint(1, 5))]
        path = chance.choice(
            ["/v1/open/", "/v1/closed/", "/v1/", "/", "/v1/open//", "//v1/closed/"]
        ) + "".join(part + chance.choice(["/", "/", "", "//"]) for part in parts)
        if chance.random() < 0.05:
            path = chance.choice(ABSOLUTE) + path
        found[path.rstrip("/") if chance.random() < 0.7 and path.strip("/") else path] = None
    return list(found)


def mine(name: str) -> bool:
    """The rule of this lab: what is theirs says so in its name."""
    return "theirs" not in name.lower()


class ByName(AllowListed):
    """Allows what is done to one's own things, and nothing at all to what is closed."""

    def require(
        self, action: str, caller: Subject, resource: Mapping[str, Any] = NOTHING, **_context: object
    ) -> None:
        """Judge the name in the path."""
        super().require(action, caller, resource)
        if not mine(resource["path"]["name"]):
            raise Forbidden("not yours")


@dataclass
class Done:
    """What handlers were made to do: (route, the name each was given)."""

    to: list[tuple[str, str]] = field(default_factory=list)


def routes(done: Done, read: Callable[[str], str] = str) -> Routes:
    """Declare an open and a closed thing; `read` is what a handler makes of the name it is given."""
    declared = Routes("/v1")

    @declared.get("/open/{name}", permission="lab/open")
    def opened(name: str) -> dict[str, str]:
        done.to.append(("open", read(name)))
        return {"name": name}

    @declared.get("/closed/{name}", permission="lab/closed")
    def closed(name: str) -> dict[str, str]:
        done.to.append(("closed", name))
        return {"name": name}

    return declared


@dataclass
class Wire:
    """A connection that sends a target as it stands, byte for byte, and reads one status."""

    url: str
    context: ssl.SSLContext
    connection: ssl.SSLSocket | None = None

    def status(self, target: str) -> int:
        """Return what a target is answered with; 400 when the connection is closed on it."""
        try:
            status, goes_on = self._ask(target.encode("latin-1"))
        except OSError:
            status, goes_on = 400, False
        if not goes_on:
            self.close()
        return status

    def close(self) -> None:
        """Hang up."""
        if self.connection is not None:
            self.connection.close()
        self.connection = None

    def _ask(self, target: bytes) -> tuple[int, bool]:
        if self.connection is None:
            host, port = self.url.removeprefix("https://").split(":")
            plain = socket.create_connection((host, int(port)), timeout=20)
            self.connection = self.context.wrap_socket(plain, server_hostname=host)
        self.connection.sendall(b"GET " + target + b" HTTP/1.1\r\nhost: registry.test\r\n\r\n")
        answer = b""
        while b"\r\n\r\n" not in answer:
            if not (more := self.connection.recv(65536)):
                return 400, False
            answer += more
        head, _, body = answer.partition(b"\r\n\r\n")
        headers = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
        while len(body) < int(headers.get(b"content-length", b"0")):
            body += self.connection.recv(65536)
        return int(head.split()[1]), headers.get(b"connection") != b"close"


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    made = Lab(tmp_path_factory.mktemp("lab"))
    try:
        yield made
    finally:
        made.close()


def differences(
    lab: Lab, paths: list[str], read: Callable[[str], str] = str, wrap: type | None = None
) -> list[str]:
    """Send every path; return those on which what was done is not what policy allowed of that very address."""
    done, policy = Done(), ByName("lab/open")
    edge = Edged(lab.identity, Rooted(), Known(), policy, lab.edge.tracer)
    app: Any = build_app(edge, routes(done, read), title="lab")
    if wrap is not None:
        app.add_middleware(wrap)
    wire = Wire(lab.serve(app), lab.workload("/svc/core/serving").client_context("registry"))
    wrong = []
    for path in paths:
        done.to.clear()
        policy.asked.clear()
        status = wire.status(path)
        judged = [resource["path"]["name"] for action, _, resource in policy.asked if action == "lab/open"]
        if not _same(path, status, done.to, judged):
            wrong.append(path)
    wire.close()
    return wrong


def _same(path: str, status: int, done: list[tuple[str, str]], judged: list[str]) -> bool:
    """Say whether nothing was done, or exactly what policy judged, of the address decoded once."""
    if not done:
        return status != 200
    ((route, name),) = done
    once = unquote_to_bytes(path.partition("?")[0].partition("#")[0]).decode(errors="replace")
    return (
        (route, status) == ("open", 200)
        and judged == [name]
        and mine(name)
        and once.endswith(f"/v1/open/{name}")
    )


@pytest.mark.threat("T-REG-02", "T-IAM-02")
def test_no_bent_address_is_judged_as_one_thing_and_done_to_another(
    lab: Lab, attempts: Callable[[int], None]
) -> None:
    paths = generated()
    assert differences(lab, paths) == []
    attempts(len(paths))


def test_generated_addresses_are_bent_and_some_are_answered(lab: Lab) -> None:
    paths = generated()
    assert len(set(paths)) == PATHS >= 10_000
    assert sum("%" in path for path in paths) > PATHS / 3
    wire = Wire(lab.url, lab.workload("/svc/core/serving").client_context("registry"))
    assert [wire.status(path) for path in ("/v1/who", "/v1/who?%", "/v1/w%68o", "//v1/who")] == [
        200,
        200,
        200,
        404,
    ]
    assert sum(re.fullmatch(r"/v1/open/[^/]+", unquote(path)) is not None for path in paths) > 100
    wire.close()


@pytest.mark.control("T-REG-02")
def test_control_a_handler_that_decodes_once_more_does_what_policy_never_saw(lab: Lab) -> None:
    twice = "/v1/open/%2574heirs-1"
    assert differences(lab, [twice]) == []
    assert differences(lab, [twice], unquote) == [twice]


class Normalising:
    """A front that makes addresses straight again behind the back of whoever judged them."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Decode a second time, and walk up where the address says so."""
        if scope["type"] == "http":
            parts: list[str] = []
            for part in unquote(scope["path"]).replace("\\", "/").split("/"):
                match part:
                    case "..":
                        del parts[-1:]
                    case "" | ".":
                        pass
                    case _:
                        parts.append(part)
            scope = {**scope, "path": "/" + "/".join(parts)}
        await self._app(scope, receive, send)


@pytest.mark.control("T-REG-02")
def test_control_a_front_that_straightens_addresses_is_found(lab: Lab) -> None:
    assert differences(lab, ["/v1/closed/%252e%252e/open/mine-1"]) == []
    found = differences(lab, ["/v1/closed/%252e%252e/open/mine-1"], wrap=Normalising)
    assert found == ["/v1/closed/%252e%252e/open/mine-1"]


# ---- the question to OPA


class Recording(PolicyEngine):
    """Remembers where a question was put, and asks the real rules."""

    def __init__(self) -> None:
        super().__init__()
        self.rules = OpaWasm(WASM)
        self.paths: list[str] = []

    def ask(self, path: str, question: Mapping[str, Any]) -> Answer:
        """See `PolicyEngine.ask`."""
        self.paths.append(path)
        return self.rules.ask(path, question)


HOSTILE = [
    *(
        "registry/promote/../../../system/main",
        "../../rights/table",
        "registry//promote",
        "registry/promote?x=1",
    ),
    *(
        "registry/promote%2f..",
        "registry/promote#",
        "registry/promote\0",
        "",
        "*",
        "data.assay.rights",
        "' or 1=1",
    ),
    *(
        "registry/promote\n",
        "REGISTRY/PROMOTE",
        "registry/promote ",
        "registry\\promote",
        "\u202eregistry/promote",
    ),
]


@pytest.mark.threat("T-IAM-02")
@pytest.mark.parametrize("action", HOSTILE)
def test_a_questions_place_is_never_made_of_its_content(action: str) -> None:
    policy = Recording()
    with pytest.raises(Forbidden):
        policy.require(action, DANA, {"path": {"name": action}, action: action}, **{action or "x": action})
    assert policy.paths == [AUTHZ]


@pytest.mark.control("T-IAM-02")
def test_control_whoever_lets_the_content_choose_the_rule_is_answered_by_another_rule() -> None:
    rules = OpaWasm(WASM)
    asked = "../gate/verdict"
    path = "/".join(part for part in f"assay/authz/{asked}".replace("authz/../", "").split("/"))
    assert "passed" in rules.ask(path, {}).result
