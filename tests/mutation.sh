#!/usr/bin/env bash
# mutation.sh PYTHON [FILE TEST...]: changes the files that [tool.mutmut] names in small ways, and counts the changes that no test notices.
# With FILE, such as core/safe_text.py, only that one is changed, and only the tests that follow are asked.
# mutmut wants the package under its own name below the working folder, and not an installed one: hence a tree of its own.
set -euo pipefail
python=$1
file=${2:-}
tests=("${@:3}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/emotui"
cp -r core tui "$work/emotui/"
cp -r tests "$work/"
section() { sed -n "/^\[tool\.$1\]/,/^\$/p" pyproject.toml; }
{
    section pytest.ini_options
    if [ -n "$file" ]; then
        section mutmut | sed '/^only_mutate/,/^]/d; /^pytest_add_cli_args_test_selection/,/^]/d'
        printf 'only_mutate = ["emotui/%s"]\n' "$file"
        printf 'pytest_add_cli_args_test_selection = [%s]\n' "$(printf '"%s",' "${tests[@]}")"
    else
        section mutmut
    fi
} >"$work/pyproject.toml"
"$python" -m venv --without-pip "$work/venv"
libraries=$("$python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
echo "$libraries" >"$("$work/venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/libraries.pth"
cd "$work"
venv/bin/python -m mutmut run
venv/bin/python -m mutmut results
for mutant in $(venv/bin/python -m mutmut results | awk -F: '/survived|no tests|timeout|suspicious/ { print $1 }'); do
    venv/bin/python -m mutmut show "$mutant" | grep -E '^([-+#@]|[-+] )' | grep -vE '^(---|\+\+\+)' || true
done
