# The kernels against plain loops over outputs and inputs, bit by bit, in two float types.

const K = S.Kernels

"The contract's sum for one output: terms in ascending input order, product and sum rounded separately."
function sequential(weights::Matrix{T}, i::Int, x::Vector{T}) where {T}
    acc = zero(T)
    for j in 1:length(x)
        product = weights[i, j] * x[j]
        acc = acc + product
    end
    acc
end

"The events of several steps."
function rows(lists)
    events = K.Events()
    foreach(list -> K.add_row!(events, list, length(list)), lists)
    events
end

# Numbers of very different size, so that any other order or a fused product shows in the last bits.
wild(T, k) = T((mod(7919k, 1009) - 500) / 3 * 2.0^mod(k, 23))

@testset "currents in $T" for T in (Float64, Float32)
    m, n = 37, 53
    weights = [wild(T, i + m * j) for i in 1:m, j in 1:n]
    values = [mod(j, 5) == 0 ? zero(T) : wild(T, 31j) for j in 1:n]
    presented, kept = K.Events(), T[]
    K.add_values!(presented, kept, values)
    K.add_values!(presented, kept, zeros(T, n))
    products = fill(T(NaN), m, 3)
    K.add_products!(products, weights, presented, kept)
    @test all(products[i, 1] === sequential(weights, i, values) for i in 1:m) && all(products[:, 2] .=== zero(T))
    @test presented.indices == findall(!iszero, values) && kept == filter(!iszero, values)

    spikes = [j for j in 1:n if mod(j, 3) == 0]
    currents = zeros(T, m, 3)
    K.add_columns!(currents, K.pack(weights), n, rows([spikes, [2], Int[]]))
    @test all(currents[i, 1] === sequential(weights, i, T[j in spikes for j in 1:n]) for i in 1:m)
    @test currents[:, 2] == weights[:, 2] && all(iszero, currents[:, 3])
end

@testset "a product is not fused with a sum" begin
    # (1 + 2^-30)^2 = 1 + 2^-29 + 2^-60: the last term is lost when the product is rounded by itself.
    currents = [NaN][:, :]
    K.add_products!(currents, [-(1 + 2.0^-29) 1 + 2.0^-30], rows([[1, 2]]), [1.0, 1 + 2.0^-30])
    @test currents == [0.0][:, :]
    potential = [1 + 2.0^-30]
    K.integrate!(potential, [-(1 + 2.0^-29)], 1 + 2.0^-30)
    @test potential == [0.0]
end

@testset "integration" begin
    potential = [-0.0, 1.0]
    @test K.integrate!(potential, [0.0, -3.0])
    @test potential[1] === 0.0 && potential[2] === -2.0
    @test !K.integrate!([floatmax(), 0.0], [floatmax(), 0.0])
    @test !K.integrate!([0.0, 0.0], [0.0, NaN])
    @test K.integrate!(potential, [1.0, 1.0], 0.5) && potential == [1.0, 0.0]
end

@testset "firing at the threshold, never below" begin
    potential, spikes = [1.0, prevfloat(1.0), 2.5, -1.0], zeros(Int, 4)
    @test K.fire!(spikes, potential, 1.0, true) == 2
    @test spikes[1:2] == [1, 3] && potential == [0.0, prevfloat(1.0), 1.5, -1.0]
    potential = [1.0, 2.5]
    @test K.fire!(spikes, potential, 1.0, false) == 2
    @test all(v === 0.0 for v in potential)
end

@testset "arrays that do not fit are refused" begin
    weights = ones(2, 3)
    @test_throws DimensionMismatch K.add_products!(zeros(3, 1), weights, rows([[1]]), [1.0])
    @test_throws DimensionMismatch K.add_products!(zeros(2, 1), weights, rows([[1]]), [1.0, 2.0])
    @test_throws DimensionMismatch K.add_products!(zeros(2, 1), weights, rows([[1], [2]]), [1.0, 2.0])
    @test_throws BoundsError K.add_products!(zeros(2, 1), weights, rows([[4]]), [1.0])
    @test_throws BoundsError K.add_scaled!(zeros(2, 1), 1.0, rows([[3]]), [1.0])
    @test_throws DimensionMismatch K.add_part!(zeros(2, 1), zeros(3, 1), 1)
    @test_throws BoundsError K.spread_rows!(zeros(2, 3), 2, 2)
    packed = K.pack(weights)
    @test_throws BoundsError K.add_columns!(zeros(2, 1), packed, 3, rows([[4]]))
    @test_throws BoundsError K.add_columns!(zeros(2, 1), packed, 3, rows([[0]]))
    @test_throws BoundsError K.add_row!(K.Events(), [1], 2)
    @test_throws DimensionMismatch K.add_columns!(zeros(2, 1), packed, 3, rows([[1], [1]]))
    @test_throws DimensionMismatch K.add_columns!(zeros(17, 1), packed, 3, rows([[1]]))
    @test_throws DimensionMismatch K.add_bias!(zeros(2, 1), zeros(3), 1)
    @test_throws BoundsError K.add_bias!(zeros(2, 1), zeros(2), 2)
    @test_throws DimensionMismatch K.integrate!(zeros(2), zeros(3))
    @test_throws DimensionMismatch K.fire!(zeros(Int, 1), zeros(2), 1.0, true)
end

@testset "a matrix without outputs takes inputs of any width" begin
    @test K.add_columns!(zeros(0, 1), K.pack(zeros(0, 0)), 0, rows([[7]])) === nothing
    @test K.add_products!(zeros(0, 1), zeros(0, 0), rows([[7]]), [1.0]) === nothing
end

@testset "an identity rounds once; rows and parts" begin
    currents = fill(NaN, 3, 2)
    K.add_scaled!(currents, 0.1, rows([[1, 3], Int[]]), [3.0, -2.0])
    @test currents == [0.1 * 3.0 0.0; 0.0 0.0; -0.2 0.0]
    K.add_scaled!(currents, 0.1, rows([[2], [1]]), Float64[])
    @test currents == [0.0 0.1; 0.1 0.0; 0.0 0.0]
    K.add_part!(currents, [1.0 9.0; 2.0 9.0; 3.0 9.0], 1)
    @test currents == [1.0 0.1; 2.1 0.0; 3.0 0.0]
    spread = [1.0 2.0 0.0 0.0 0.0 0.0 7.0]
    K.spread_rows!(spread, 2, 3)
    @test spread == [1.0 1.0 1.0 2.0 2.0 2.0 7.0]
end
