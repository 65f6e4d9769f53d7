#!/usr/bin/env bash
# A private Julia on Debian 12, which has none, without root and without touching the system: get_julia.sh PREFIX
#
# Takes Julia 1.5.3, the last that Debian carried, from the suite before this one, and its C libraries from this one,
# through apt's own client with a package state of its own. Where that suite no longer answers, the same packages come
# from a folder: $SPIKEPARITY_DEBS, or ../shared/debs beside the checkout. Run again it does nothing.
set -euo pipefail

version=1.5.3
older=(julia julia-common libjulia1 libdsfmt-19937-1 libhttp-parser2.9 libmbedcrypto3 libmbedx509-0 libmbedtls12
       libgit2-1.1 libffi7 libllvm9 libopenlibm3 libutf8proc2 libpcre3 libjulia-dev)
current=(libpcre2-8-0 libgmp10 libmpfr6 libgfortran5 libquadmath0)
# Julia must have its own suite's libunwind: with the newer one any exception below compiled code is a segfault.
unwind=libunwind8/bullseye

die() { printf 'get_julia: %s\n' "$*" >&2; exit 1; }
last_line() { grep -v '^[[:space:]]*$' "$1" | tail -n 1; }

# The same line that the harness asks before it uses a Julia.
works() {
  [ -x "$1/bin/julia" ] && "$1/bin/julia" --startup-file=no -e \
    'try; Int[][3]; catch e; e isa BoundsError || exit(3); end' >/dev/null 2>&1
}

[ $# -eq 1 ] || die "usage: get_julia.sh PREFIX"
prefix=$1
if works "$prefix"; then printf 'Julia %s is in %s\n' "$version" "$prefix"; exit 0; fi

if [ -e "$prefix" ] && ! { [ -e "$prefix/bin/julia" ] && [ -d "$prefix/root" ]; }; then
  die "$prefix exists and is no Julia of this script; name another PREFIX"
fi

# shellcheck disable=SC1091
. /etc/os-release 2>/dev/null || true
[ "${ID:-}${VERSION_ID:-}" = debian12 ] || die "this is ${PRETTY_NAME:-no Debian 12}, for which there are no packages; \
install juliaup (or Julia itself) and put julia on PATH"
for tool in apt-get dpkg-deb; do
  command -v "$tool" >/dev/null || die "$tool is missing, which Debian 12 always has"
done

mkdir -p "$(dirname "$prefix")" || die "cannot create $(dirname "$prefix"); choose another PREFIX or XDG_CACHE_HOME"
work=$(mktemp -d "$prefix.unfinished.XXXXXX") || die "cannot write to $(dirname "$prefix")"
trap 'rm -rf "$work"' EXIT
work=$(cd "$work" && pwd)
mkdir -p "$work"/{sources,lists/partial,cache/archives/partial,debs,julia/bin}

# The machine's own package source, once as it is and once with the older suite's name, pinned so that only what is
# named comes from there.
if [ -f /etc/apt/sources.list.d/debian.sources ]; then
  cp /etc/apt/sources.list.d/debian.sources "$work/sources/current.sources"
  awk 'BEGIN { RS = ""; ORS = "\n\n" } !/security/' "$work/sources/current.sources" |
    sed -e 's/^Suites:.*/Suites: bullseye/' -e 's/^Components:.*/Components: main/' > "$work/sources/older.sources"
elif grep -qsE '^deb .*[[:space:]]bookworm[[:space:]]' /etc/apt/sources.list; then
  cd "$work/sources"
  grep -E '^deb .*[[:space:]]bookworm[[:space:]]' /etc/apt/sources.list > current.list
  sed -E 's/([[:space:]])bookworm[[:space:]].*/\1bullseye main/' current.list > older.list
  cd - >/dev/null
else
  die "neither /etc/apt/sources.list.d/debian.sources nor /etc/apt/sources.list names Debian 12's packages"
fi
printf 'Package: *\nPin: release n=bullseye\nPin-Priority: 50\n' > "$work/preferences"

apt() {
  apt-get -q -o Dir::Etc::sourcelist=/dev/null -o Dir::Etc::sourceparts="$work/sources" \
    -o Dir::Etc::preferences="$work/preferences" -o Dir::Etc::preferencesparts=/dev/null \
    -o Dir::State::lists="$work/lists" -o Dir::Cache="$work/cache" -o APT::Sandbox::User= \
    -o Acquire::Retries=1 -o Acquire::http::Timeout=20 -o Acquire::https::Timeout=20 "$@" >>"$work/log" 2>&1
}

from_suite() { apt update && (cd "$work/debs" && apt download "${older[@]}" "$unwind" "${current[@]}"); }

from_folder() {
  rm -f "$work"/sources/older.* "$work"/debs/*
  cp "$1"/*.deb "$work/debs" && apt update && (cd "$work/debs" && apt download "${current[@]}")
}

# Sources of a checkout lie in conformance/toolchains; a set folder counts even where it is wrong, so that it is seen.
debs=${SPIKEPARITY_DEBS:-$(cd -P "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)/shared/debs}
if ! from_suite; then
  [ -d "$debs" ] || die "the packages cannot be had: $(last_line "$work/log"); set SPIKEPARITY_DEBS to a folder with \
those of Debian 11's Julia, or put any julia on PATH"
  from_folder "$debs" || die "the packages in $debs cannot be used: $(last_line "$work/log")"
fi

for deb in "$work"/debs/*.deb; do
  dpkg-deb -x "$deb" "$work/julia/root" 2>>"$work/log" ||
    die "$(basename "$deb") cannot be unpacked: $(last_line "$work/log")"
done
rm -rf "$work/julia/root/usr/share/doc" "$work/julia/root/usr/share/man" "$work/julia/root/usr/share/lintian"
cat > "$work/julia/bin/julia" <<'WRAPPER'
#!/bin/sh
root=$(dirname "$(dirname "$(readlink -f "$0")")")/root
lib=$(echo "$root"/usr/lib/*-linux-gnu)
LD_LIBRARY_PATH="$lib:$root/lib/$(basename "$lib")${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}" exec "$root/usr/bin/julia" "$@"
WRAPPER
chmod +x "$work/julia/bin/julia"
works "$work/julia" || die "the unpacked Julia does not run: $("$work/julia/bin/julia" --version 2>&1 | tail -n 1)"

# Whoever comes first wins; another start at the same time finds a finished folder.
if [ -e "$prefix" ] && ! works "$prefix"; then rm -rf "$prefix"; fi
mv -T "$work/julia" "$prefix" 2>/dev/null || works "$prefix" || die "cannot move the finished folder to $prefix"
printf 'Julia %s is in %s\n' "$version" "$prefix"
