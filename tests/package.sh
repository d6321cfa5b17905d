#!/usr/bin/env bash
# package.sh PYTHON: builds the wheel and the sdist, installs each in a clean environment, and runs it there. Needs room for torch twice.
set -euo pipefail
python=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
rm -rf dist
"$python" -m build --outdir dist . >"$work/build.log" 2>&1 || { tail -30 "$work/build.log"; exit 1; }
export EMOTUI_HOME="$work/home" EMOTUI_CONFIG="$work/config.toml"

# try COMMAND: the installed program answers, from a folder that has none of its sources.
try() {
    (cd "$work" && "$1" doctor && "$1" check starter)
}

for file in dist/*.whl dist/*.tar.gz; do
    echo "== pip install $file"
    rm -rf "$work/venv"
    "$python" -m venv "$work/venv"
    "$work/venv/bin/python" -m pip install --quiet --disable-pip-version-check "$file[starter]"
    try "$work/venv/bin/emotui"
done
rm -rf "$work/venv"
if command -v uv >/dev/null; then
    wheel=$(echo "$PWD"/dist/*.whl)
    echo "== uv tool install $wheel"
    UV_TOOL_DIR="$work/tools" UV_TOOL_BIN_DIR="$work/bin" uv tool install --quiet --python "$python" "$wheel[starter]"
    try "$work/bin/emotui"
else
    echo "not tried, for lack of uv: uv tool install"
fi
echo "package: all installed, doctor and check starter ran"
