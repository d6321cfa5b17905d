#!/usr/bin/env bash
# mutation.sh PYTHON: changes the files that [tool.mutmut] names in small ways, and counts the changes that no test notices.
# mutmut wants the package under its own name below the working folder, and not an installed one: hence a tree of its own.
set -euo pipefail
python=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/emotui"
cp -r core tui "$work/emotui/"
cp -r tests "$work/"
sed -n '/^\[tool\.pytest\.ini_options\]/,/^$/p; /^\[tool\.mutmut\]/,/^$/p' pyproject.toml >"$work/pyproject.toml"
"$python" -m venv --without-pip "$work/venv"
libraries=$("$python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
echo "$libraries" >"$("$work/venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/libraries.pth"
cd "$work"
venv/bin/python -m mutmut run
venv/bin/python -m mutmut results
