"""Two arrows: submissions → matching ← partners. Privacy is a fact of the import graph, so the graph is tested."""

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from django.conf import settings

TOP = Path(settings.BASE_DIR)
ROOMS = {"matching", "submissions", "partners"}
MAY_IMPORT = {"matching": set(), "submissions": {"matching"}, "partners": {"matching"}}
LEAVES = {"errors", "accounts", "audit", "approvals", "api", "limits", "pseudonym", "logs", "env"}
CROSSING = {"demonstration", "demonstration_pictures", "benchmarks", "management"}
PURE = {"signal_types", "hashing", "notes", "setsum", "commitments", "trust", "index", "bands", "compiling"}
NEVER_IN_PURE = {"django", "rest_framework", "celery", "redis", "psycopg", "socket", "urllib", "requests", "http"}


def imported_by(source: str, module: str) -> Iterator[str]:
    """Full names of what a module imports, relative ones resolved, also inside functions and `if TYPE_CHECKING`."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            package = module.split(".")[: -node.level] if node.level else []
            base = ".".join([*package, *([node.module] if node.module else [])])
            yield from (f"{base}.{alias.name}" for alias in node.names)


def is_wrong(module: str, imported: str) -> bool:
    """Whether this arrow must not be."""
    room, _, rest = module.partition(".")
    target, _, part = imported.partition(".")
    if room in ROOMS:
        if target == "takeitdown":
            return part.split(".")[0] not in LEAVES
        if room == "matching" and rest.split(".")[0] in PURE:
            return target in NEVER_IN_PURE or (target == "matching" and part.split(".")[0] not in PURE)
        return target in ROOMS - MAY_IMPORT[room] - {room}
    if room == "takeitdown" and rest.split(".")[0] not in CROSSING:
        return target in ROOMS
    return False


def wrong_arrows(sources: Iterable[tuple[str, str]]) -> list[str]:
    return sorted(
        f"{module} → {imported}"
        for module, source in sources
        for imported in imported_by(source, module)
        if is_wrong(module, imported)
    )


def modules() -> Iterator[tuple[str, str]]:
    for room in [*ROOMS, "takeitdown"]:
        for path in (TOP / room).rglob("*.py"):
            if "node_modules" not in path.parts and (TOP / "partners" / "client") not in path.parents:
                yield ".".join(path.relative_to(TOP).with_suffix("").parts), path.read_text()


def test_every_import_follows_the_two_arrows():
    assert wrong_arrows(modules()) == []


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("partners.reports", "from submissions.models import Case"),
        ("submissions.status", "def later():\n    import partners.models"),
        ("matching.outcomes", "from partners import keys"),
        ("matching.models.hold", "if TYPE_CHECKING:\n    from submissions.models import Fingerprint"),
        ("takeitdown.audit.models", "from matching.models import Hold"),
        ("takeitdown.limits", "import partners.keys"),
        ("matching.notes", "from django.conf import settings"),
        ("matching.hashing.pdq", "from matching.models import Hold"),
        ("partners.api.views", "from takeitdown.demonstration import seed"),
        ("submissions.api.views", "from ...partners import keys"),
    ],
)
def test_a_planted_wrong_arrow_is_found(module, source):
    assert len(wrong_arrows([(module, source)])) == 1


def test_reference_client_imports_nothing_of_ours():
    ours = ROOMS | {"takeitdown", "django"}
    sources = (path for path in (TOP / "partners" / "client" / "src").rglob("*.py"))

    found = {name for path in sources for name in imported_by(path.read_text(), "client") if name.split(".")[0] in ours}

    assert found == set()


def migration_arrows(source: str) -> set[str]:
    """The applications that a migration depends on."""
    return {
        str(node.elts[0].value)
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Tuple) and len(node.elts) == 2 and isinstance(node.elts[0], ast.Constant)
        if isinstance(node.elts[1], ast.Constant) and str(node.elts[1].value)[:4].isdigit()
    }


@pytest.mark.parametrize("room", sorted(ROOMS))
def test_migrations_follow_the_same_arrows(room):
    found = {app for path in (TOP / room / "migrations").glob("0*.py") for app in migration_arrows(path.read_text())}

    assert found & ROOMS <= MAY_IMPORT[room] | {room}


def test_a_planted_wrong_migration_is_found():
    assert migration_arrows("dependencies = [('submissions', '0001_first')]") == {"submissions"}
