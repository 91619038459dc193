"""Compiles installed Solidity packages with solc-js, once: results are cached by content."""

import asyncio
import hashlib
import json
import posixpath
import re
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from keeper.devnet.contract import Contract
from keeper.devnet.packages import node_binary, package, repository
from keeper.errors import ConfigError, Unreachable

DEADLINE = 300.0
"""Seconds for one compilation: about 10 s alone, several times that on a busy machine."""

_IMPORT = re.compile(r"""^\s*import\s+(?:[^;"']*?from\s+)?["']([^"']+)["']""", re.MULTILINE)

# solc-js reads and writes through pipes; its path is the one argument.
_RUN_SOLC = """
const solc = require(process.argv[1]);
let input = '';
process.stdin.setEncoding('utf8').on('data', (part) => { input += part; });
process.stdin.on('end', () => process.stdout.write(solc.compile(input)));
"""

Progress = Callable[[str], None]


class Project(NamedTuple):
    """What to compile.

    `targets` are "path/File.sol:Contract", paths relative to the npm package `source`; `remappings` map an
    import prefix to an npm package; `settings` are solc's, without outputSelection.
    """

    source: str
    targets: tuple[str, ...]
    remappings: tuple[tuple[str, str], ...]
    settings: Mapping[str, Any]
    compiler: str = "solc"


async def compile_project(project: Project, progress: Progress = lambda _: None) -> dict[str, Contract]:
    """Contracts of `project` by name, from the cache or freshly compiled.

    Raises:
        ConfigError: a package or Node.js is missing, or the sources do not compile.
        Unreachable: the compiler took longer than the deadline.
    """
    sources = _sources(project)
    request = _request(project, sources)
    cached = repository() / ".cache" / "solidity" / f"{_content_hash(project, request)}.json"
    found = _read(cached)
    if found is None:
        progress(f"compiling {project.source}: {len(sources)} files, once")
        found = _select(project, await _run(request, project.compiler))
        _write(cached, found)
    return {name: Contract(entry["abi"], entry["bytecode"]) for name, entry in found.items()}


def _sources(project: Project) -> dict[str, str]:
    """Every file that the targets reach through imports, by the name that solc knows it by."""
    roots = {prefix: package(name) for prefix, name in project.remappings}
    home = package(project.source)
    wanted = [target.partition(":")[0] for target in project.targets]
    sources: dict[str, str] = {}
    while wanted:
        name = wanted.pop()
        if name in sources:
            continue
        prefix = next((each for each in roots if name.startswith(each)), "")
        text = (roots.get(prefix, home) / name.removeprefix(prefix)).read_text(encoding="utf-8")
        sources[name] = text
        wanted += [_resolve(name, imported) for imported in _IMPORT.findall(text)]
    return sources


def _resolve(importer: str, imported: str) -> str:
    if not imported.startswith("."):
        return imported
    return posixpath.normpath(posixpath.join(posixpath.dirname(importer), imported))


def _request(project: Project, sources: Mapping[str, str]) -> bytes:
    selection: dict[str, dict[str, list[str]]] = {}
    for target in project.targets:
        file, _, name = target.partition(":")
        selection.setdefault(file, {})[name] = ["abi", "evm.bytecode.object"]
    request = {
        "language": "Solidity",
        "sources": {name: {"content": sources[name]} for name in sorted(sources)},
        "settings": {**project.settings, "outputSelection": selection},
    }
    return json.dumps(request).encode()


def _content_hash(project: Project, request: bytes) -> str:
    version = json.loads((package(project.compiler) / "package.json").read_text())["version"]
    return hashlib.sha256(version.encode() + b"\0" + request).hexdigest()


async def _run(request: bytes, compiler: str) -> dict[str, Any]:
    process = await asyncio.create_subprocess_exec(
        node_binary(),
        "-e",
        _RUN_SOLC,
        str(package(compiler)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(DEADLINE):
            output, errors = await process.communicate(request)
    except TimeoutError as error:
        raise Unreachable(f"solc did not finish within {DEADLINE:.0f} s") from error
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        raise ConfigError(f"solc-js failed: {errors.decode(errors='replace')[-2000:].strip()}")
    answer: dict[str, Any] = json.loads(output)
    return answer


def _select(project: Project, answer: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    failures = _failures(answer.get("errors", []))
    if failures:
        raise ConfigError(f"{project.source} does not compile: {failures[0]}")
    selected = {}
    for target in project.targets:
        file, _, name = target.partition(":")
        output = answer["contracts"][file][name]
        selected[name] = {"abi": output["abi"], "bytecode": output["evm"]["bytecode"]["object"]}
    return selected


def _failures(errors: Sequence[Mapping[str, Any]]) -> list[str]:
    return [error["formattedMessage"] for error in errors if error["severity"] == "error"]


def _read(file: Path) -> dict[str, dict[str, Any]] | None:
    if not file.is_file():
        return None
    found: dict[str, dict[str, Any]] = json.loads(file.read_text())
    return found


def _write(file: Path, found: Mapping[str, Any]) -> None:
    """Appear whole or not at all: several processes may compile at once."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=file.parent, delete=False) as partial:
        json.dump(found, partial)
    Path(partial.name).replace(file)
