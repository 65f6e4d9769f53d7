#!/usr/bin/env bash
# A smoke test of the juliacall transport on Julia 1.5.3: the whole corpus through the real juliacall 0.9.24.
#
# Its authors support no Julia this old; ../shared/tools/juliacall-on-1.5 bridges the gap with stand-ins for what it
# depends on. Arguments go to `python -m conformance run`. The environment is kept in the user's cache folder.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
tools=$root/../shared/tools/juliacall-on-1.5
[ -d "$tools" ] || { printf 'juliacall_on_1_5: %s is missing; this test runs only beside it\n' "$tools" >&2; exit 3; }
cd "$root"
export PYTHONPATH=$root/python
julia=$(.venv/bin/python -c 'from conformance.toolchains.julia import find_julia; print(find_julia().executable)')
folder=$(.venv/bin/python -c 'from conformance.toolchains.julia import cache_folder; print(cache_folder().parent)')/juliacall-on-1.5

if [ ! -e "$folder/activate.sh" ]; then
  printf 'juliacall_on_1_5: building %s (about a minute)\n' "$folder" >&2
  rm -rf "$folder" && mkdir -p "$folder/tools"
  cp -r "$tools/." "$folder/tools" && chmod -R u+w "$folder/tools"
  bash "$folder/tools/setup_juliacall.sh" "$folder" "$julia" >&2
fi
# shellcheck disable=SC1091
. "$folder/activate.sh"
# A private Julia's libraries are not where the system looks, and here they are loaded into Python.
private=$(dirname "$(dirname "$julia")")/root
if [ -d "$private" ]; then
  for lib in "$private"/usr/lib/*-linux-gnu; do
    export LD_LIBRARY_PATH=$lib:$private/lib/$(basename "$lib")${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
  done
fi

backend=("$folder/venv/bin/python" -m spikeparity.julia_backend)
"${backend[@]}" </dev/null        # the first start compiles for half a minute, longer than the harness waits for a hello
exec env -u LD_LIBRARY_PATH .venv/bin/python -m conformance run --backend \
  "juliacall=env LD_LIBRARY_PATH=${LD_LIBRARY_PATH:-} ${backend[*]}" "$@"
