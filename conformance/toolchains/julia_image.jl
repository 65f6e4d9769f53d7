# Makes a system image: julia --output-o FILE -J BASE julia_image.jl STATEMENTS, with the package's folder on the load path.
#
# The image is the one that Julia comes with, and in it the package and native code for what STATEMENTS name: lines that
# `julia --trace-compile` wrote while the backend answered requests.

# While it makes an image Julia does not do this by itself.
Base.reinit_stdio()
@eval Sys BINDIR = ccall(:jl_get_julia_bindir, Any, ())::String
Base.init_depot_path()
Base.init_load_path()

module Image

using SpikeParity

"Have the methods of a statement compiled. A statement may name what is not here: closures of a script, for one."
function follow(statement::String)
    try
        Base.include_string(Image, statement)
    catch
        false
    end
end

"Call `f` with each compiled form of the kernels."
function each_kernel(f)
    for name in names(SpikeParity.Kernels; all = true), method in methods(getfield(SpikeParity.Kernels, name))
        parentmodule(SpikeParity.Kernels) === parentmodule(method.module) || continue
        specializations = method.specializations
        for k in 1:length(specializations)
            isassigned(specializations, k) && f(specializations[k])
        end
    end
end

"""
    forget_kernels()

Leave the kernels out of the image, to be compiled at the first call: an image has one level of optimisation for all, and
what is enough for the rest (in half the time) does not vectorise their loops.
"""
function forget_kernels()
    cache = fieldoffset(Core.MethodInstance, findfirst(isequal(:cache), fieldnames(Core.MethodInstance)))
    each_kernel() do instance
        instance isa Core.MethodInstance || return
        # As if it had never been compiled; the field can be left unset, but not be made so from Julia.
        unsafe_store!(Ptr{Ptr{Cvoid}}(pointer_from_objref(instance) + cache), C_NULL)
    end
end

end

foreach(Image.follow, eachline(ARGS[1]))
Image.forget_kernels()
empty!(LOAD_PATH)
empty!(DEPOT_PATH)
