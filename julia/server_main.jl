# The backend process: julia --startup-file=no server_main.jl, with this folder on JULIA_LOAD_PATH.

const OUT = stdout
redirect_stdout(stderr)     # a stray print must not end up between the answers

using SpikeParity

# A rejection is thrown, and throwing walks the whole stack: on a task of its own the stack is half as deep.
wait(@async SpikeParity.serve(stdin, OUT))
