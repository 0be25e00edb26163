#!/usr/bin/env bash
# Makes the hash-pinned locks, or with --check says whether they belong to pyproject.toml.
#   lock.sh UV PYTHON     lock.sh --check
# torch has locks of its own: torch-cpu.txt pins the local CPU wheel, torch.txt the index's (which brings CUDA).
set -euo pipefail
cd "$(dirname "$0")"

inputs() { python3 -c '
import hashlib, pathlib, re
text = pathlib.Path("../pyproject.toml").read_text()
wanted = re.search(r"^dependencies = .*?(?=^\[project\.scripts\])", text, re.S | re.M).group(0)
print(hashlib.sha256(wanted.encode()).hexdigest())'; }

if [ "${1:-}" = --check ]; then
    [ "$(inputs)" = "$(cat inputs.sha256)" ] && exit 0
    echo "requirements/ is stale: pyproject.toml's dependencies changed; run 'make lock'" >&2
    exit 1
fi

uv=$1 python=$2
[[ $uv = */* && $uv != /* ]] && uv=../$uv
wheel=$(ls "${PIP_FIND_LINKS:?make lock needs the local CPU wheel of torch}"/torch-2.13.0+cpu-*.whl)
compile() {
    "$uv" pip compile -q --universal -p "$python" --python-version 3.11 --generate-hashes --no-header \
        --no-annotate --no-emit-index-url --no-emit-find-links "$@"
}
echo 'uv>=0.9' | compile - -o uv.txt
echo 'torch==2.13.0' | compile - -o torch.txt
printf 'torch==2.13.0+cpu \\\n    --hash=sha256:%s\n' "$(sha256sum "$wheel" | cut -d' ' -f1)" >torch-cpu.txt
for lock in laptop:laptop,build dev:dev; do
    compile --find-links "$PIP_FIND_LINKS" --no-emit-package torch -c <(echo torch==2.13.0+cpu) \
        $(printf -- '--extra %s ' $(tr , ' ' <<<"${lock#*:}")) ../pyproject.toml -o "${lock%%:*}.txt"
done
inputs >inputs.sha256
! grep -rnE 'https?://' ./*.txt
