"""No secret shows where people look: in how things print, in what is raised, in logs; none is compared byte by byte."""

from __future__ import annotations

import ast
import re
import traceback
from pathlib import Path

import pytest

from assay.errors import ServiceError
from assay.vault.client import VaultClient
from assay_laptop.platform.addresses import free_ports
from tests.architecture.source import ROOT, modules
from tests.unit.identity.authority import Authority

SECRET = re.compile(
    r"(^|_)(secret|secret_id|bearer|otp|password|passphrase|unseal_key|private_key|key_pem|token|cookie|salt)$"
)
COMPARED = re.compile(
    r"(^|_)(mac|hmac|otp|bearer|secret|secret_id|password|token|csrf|cookie|code_verifier)$"
)
RECORDS = {"dataclass", "BaseModel", "BaseSettings", "ServiceSettings", "NamedTuple", "Body"}
# Of our own making and no secret: a key to look something up with, a public half, or a name.
HARMLESS = {"public_key_pem", "log_key_pem", "next_page_token", "page_token"}
RECORD_OF_A_LOGIN = "Call.token"  # what Vault keeps of one; its bearer stands beside it, hidden
LEXERS = {
    "libs/assay_laptop/vault/server/hcl.py",
    "libs/assay/pages/routes.py",  # the name of a cookie, never its value
}  # a token there is a word of a policy


def showing(tree: ast.AST) -> list[str]:
    """Return the fields of records that hold a secret and would print it."""
    found = []
    for node in ast.walk(tree):
        if not isinstance(node, ast.ClassDef) or not RECORDS & _says(node):
            continue
        if any(isinstance(member, ast.FunctionDef) and member.name == "__repr__" for member in node.body):
            continue
        found += [
            f"{node.name}.{name}" for name, field in _fields(node) if _is_secret(name) and not _hidden(field)
        ]
    return [name for name in found if name != RECORD_OF_A_LOGIN]


def _says(node: ast.ClassDef) -> set[str]:
    return {
        word for part in (*node.decorator_list, *node.bases) for word in re.findall(r"\w+", ast.unparse(part))
    }


def _fields(node: ast.ClassDef) -> list[tuple[str, ast.AnnAssign]]:
    return [
        (m.target.id, m) for m in node.body if isinstance(m, ast.AnnAssign) and isinstance(m.target, ast.Name)
    ]


def _is_secret(name: str) -> bool:
    return SECRET.search(name) is not None and name not in HARMLESS


def _hidden(field: ast.AnnAssign) -> bool:
    if "bool" in ast.unparse(field.annotation) or "SecretStr" in ast.unparse(field.annotation):
        return True
    return field.value is not None and "repr=False" in ast.unparse(field.value)


def comparing(tree: ast.AST) -> list[str]:
    """Return where a secret is compared by `==` or `!=`, which stops at the first difference."""
    return [
        ast.unparse(node)
        for node in ast.walk(tree)
        if isinstance(node, ast.Compare)
        and any(isinstance(op, ast.Eq | ast.NotEq) for op in node.ops)
        and any(COMPARED.search(_name(side)) for side in (node.left, *node.comparators))
        and not any(isinstance(side, ast.Constant) for side in (node.left, *node.comparators))
    ]


def _name(node: ast.expr) -> str:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)):
            return name
    return ""


@pytest.mark.threat("T-IAM-07")
def test_no_record_of_ours_prints_a_secret_it_holds() -> None:
    found = {path: showing(tree) for path, tree in modules("libs", "services", "pipelines").items()}
    assert {path: names for path, names in found.items() if names} == {}


@pytest.mark.control("T-IAM-07")
def test_control_a_record_that_would_print_one_is_found() -> None:
    plain = "@dataclass\nclass Login:\n    role_id: str\n    secret_id: str\n    key_pem: str = field(repr=False)\n"
    assert showing(ast.parse(plain)) == ["Login.secret_id"]


@pytest.mark.threat("T-IAM-08")
def test_no_secret_is_compared_byte_by_byte() -> None:
    ours = modules("libs", "services", "pipelines").items()
    found = {path: comparing(tree) for path, tree in ours if path not in LEXERS}
    assert {path: lines for path, lines in found.items() if lines} == {}


@pytest.mark.control("T-IAM-08")
def test_control_a_comparison_that_tells_how_far_it_got_is_found() -> None:
    assert comparing(ast.parse("ok = request.token == self._token\nif n == 3: pass")) == [
        "request.token == self._token"
    ]


@pytest.mark.threat("T-IAM-07")
@pytest.mark.parametrize("secret", ["hvs.CAESIJ-wrapped-secret-in-a-test", "s.ixmJ3Ra"])
def test_a_login_that_fails_says_everything_but_the_secret(tmp_path: Path, secret: str) -> None:
    ca = tmp_path / "ca.pem"
    ca.write_text(Authority().ca_pem)
    try:
        VaultClient.login(
            url=f"https://127.0.0.1:{free_ports(1)[0]}", ca_path=ca, role_id="role", wrapped_secret_id=secret
        )
    except ServiceError:
        told = traceback.format_exc()
    assert "Unavailable" in told
    assert secret not in told


@pytest.mark.control("T-IAM-07")
def test_control_an_error_that_quotes_what_it_was_given_would_be_seen() -> None:
    secret = "hvs.CAESIJ-wrapped-secret-in-a-test"
    assert secret in "".join(traceback.format_exception(ValueError(f"cannot log in with {secret}")))


TRACKED = (".py", ".md", ".rego", ".hcl", ".json", ".toml", ".txt", ".sh", ".yaml", ".yml", "Makefile")
KEYS = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----\n[A-Za-z0-9+/=\n]{64,}"
    r"|hvs\.[A-Za-z0-9_-]{24,}|AKIA[0-9A-Z]{16}|eyJ[A-Za-z0-9_-]{40,}\.eyJ[A-Za-z0-9_-]{40,}\."
)
PLANTED = {
    "tests/attacks/test_secrets.py",
    "tests/e2e/test_audit_canaries.py",
}  # shaped like secrets, and none


@pytest.mark.threat("T-IAM-07")
def test_no_secret_is_kept_in_the_repository() -> None:
    files = [path for path in ROOT.rglob("*") if path.name.endswith(TRACKED) and not _ignored(path)]
    assert len(files) > 100
    found = [str(path.relative_to(ROOT)) for path in files if KEYS.search(path.read_text(errors="ignore"))]
    assert [name for name in found if name not in PLANTED] == []


def _ignored(path: Path) -> bool:
    return any(
        part.startswith(".") or part in {"build", "__pycache__"} for part in path.relative_to(ROOT).parts
    )


@pytest.mark.control("T-IAM-07")
def test_control_a_key_in_a_file_would_be_found() -> None:
    assert KEYS.search("-----BEGIN PRIVATE KEY-----\n" + "A" * 64 + "\n")
    assert KEYS.search("token = 'hvs." + "x" * 30 + "'")
