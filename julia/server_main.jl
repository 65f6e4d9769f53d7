# The backend process: julia --startup-file=no server_main.jl, with this folder on JULIA_LOAD_PATH.

const OUT = stdout
redirect_stdout(stderr)     # a stray print must not end up between the answers

using SpikeParity

SpikeParity.serve(stdin, OUT)
