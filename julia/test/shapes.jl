# Shapes: what fits what, and the sizes that come of it.

const FILTER = "[[[[1,2],[3,4]]]]"                # one output, one input channel, 2 × 2
const NEURON = "\"neuron\":{\"model\":\"if\",\"threshold\":1}"

network_of(layers...; more = ",\"input_shape\":[1,3,4]") =
    read_network("{\"layers\":[" * join(layers, ',') * "]" * more * "}")
conv(members = ""; weights = FILTER) = "{\"kind\":\"conv2d\",\"weights\":$weights,$NEURON$members}"
dense(weights, members = "") = "{\"weights\":$weights,$NEURON$members}"
sum_of(branches...; members = "") = "{\"kind\":\"sum\",\"inputs\":[" * join(branches, ',') * "],$NEURON$members}"
same_as(from) = "{\"kind\":\"identity\",\"weight\":1,\"from\":\"$from\"}"
shapes_of(arguments...; options...) = network_of(arguments...; options...).plan.shapes
shape_fault(arguments...; options...) = rejection(() -> network_of(arguments...; options...))

@testset "shapes follow kernel, stride, padding and dilation" begin
    @test shapes_of(conv()) == [[1, 2, 3]]
    @test shapes_of(conv(",\"stride\":[1,2]")) == [[1, 2, 2]]
    @test shapes_of(conv(",\"padding\":[1,2],\"dilation\":[2,3]")) == [[1, 3, 5]]
    @test shapes_of("{\"kind\":\"avgpool2d\",\"kernel\":[2,3]}", conv(; weights = "[[[[1]]]]")) ==
          [[1, 1, 1], [1, 1, 1]]
    @test shapes_of("{\"kind\":\"avgpool2d\",\"kernel\":[2,3],\"stride\":[1,1]}", "{\"kind\":\"flatten\"}",
                    dense("[[1,2,3,4],[1,2,3,4]]")) == [[1, 2, 2], [4], [2]]
    @test shapes_of(sum_of(same_as("input"), same_as("input"))) == [[1, 3, 4]]
    doubled = conv(",\"groups\":2"; weights = "[[[[1]]],[[[1]]],[[[1]]],[[[1]]]]")
    @test shapes_of(doubled; more = ",\"input_shape\":[2,3,4]") == [[4, 3, 4]]
end

@testset "what does not fit its source" begin
    chain(at) = ("network.chain", "/layers/" * at)
    @test shape_fault(dense("[[1,2]]")) == chain("0/weights") == shape_fault(dense("[]"))
    @test shape_fault(dense("[[1,2]]"), conv(); more = "") == chain("1/weights")
    @test shape_fault(conv(; weights = "[[[[1]],[[1]]]]")) == chain("0/weights")
    @test shape_fault(conv(",\"groups\":2"; weights = "[[[[1]]]]"); more = ",\"input_shape\":[2,3,4]") ==
          chain("0/weights")
    @test shape_fault(conv(",\"dilation\":[3,1]")) == chain("0/weights") == shape_fault(conv(",\"dilation\":[1,4]"))
    @test shape_fault(conv(",\"dilation\":[2,3]")) === nothing
    pool = "{\"kind\":\"avgpool2d\",\"kernel\":[4,1]}"
    @test shape_fault(pool, conv()) == chain("0")
    @test shape_fault("{\"kind\":\"flatten\"}", pool) == chain("1")
    # Without input_shape only dense takers of the input fit, even where its width is known already.
    @test shape_fault(conv(); more = "") == chain("0/weights")
    @test shape_fault(pool; more = "") == chain("0") == shape_fault("{\"kind\":\"flatten\"}"; more = "")
    dense_branch = "{\"weights\":[[1]],\"from\":\"input\"}"
    @test shape_fault(sum_of(dense_branch, same_as("input")); more = "") == chain("0/inputs/1")
    # A sum's branches agree with its first, and the bias with them.
    convolved = "{\"kind\":\"conv2d\",\"weights\":$FILTER,\"from\":\"input\"}"
    @test shape_fault(sum_of(same_as("input"), same_as("input"), convolved)) == chain("0/inputs/2")
    @test shape_fault(sum_of(same_as("input"); members = ",\"bias\":[1,2]")) == chain("0/bias")
    @test shape_fault(sum_of(same_as("input"); members = ",\"bias\":[1]")) === nothing
end

@testset "at most 2^24 elements, place by place" begin
    shape = ",\"input_shape\":[1,4096,4096]"
    point(n) = "[" * join(fill("[[[1]]]", n), ',') * "]"
    @test shape_fault(conv(; weights = point(1)); more = shape) === nothing
    @test shape_fault(conv(; weights = point(2)); more = shape) == ("network.elements", "/layers/0")
    @test shape_fault(conv(",\"padding\":[0,1]"; weights = point(1)); more = shape) == ("network.elements", "/layers/0")
    two = "{\"kind\":\"conv2d\",\"weights\":$(point(2)),\"from\":\"input\"}"
    # The second branch has too many elements before it is unlike the first.
    @test shape_fault(sum_of(same_as("input"), two); more = shape) == ("network.elements", "/layers/0/inputs/1")
    # The product would not fit an Int.
    wide = conv(",\"padding\":[65536,65536]"; weights = point(2^5))
    @test shape_fault(wide; more = ",\"input_shape\":[1,16777216,1]") == ("network.elements", "/layers/0")
end

@testset "the first dense taker that has a width decides that of the input" begin
    named(weights, from) = "{\"weights\":$weights,\"from\":\"$from\"}"
    width(layers...) = S.input_width(network_of(layers...; more = ""))
    empty = sum_of(named("[]", "input"), named("[]", "input"))
    @test width(empty) === nothing
    @test width(empty, dense("[[1,2,3]]", ",\"from\":\"input\"")) == 3
    @test width(dense("[]"), dense("[[1,2,3]]", ",\"from\":\"input\"")) == 3
    first_one = network_of(dense("[]"), dense("[[1,2,3]]", ",\"from\":\"input\""); more = "").layers[1]
    @test size(weights_of(first_one)) == (0, 3)
    @test shape_fault(sum_of(named("[[1,2]]", "input"), named("[[1]]", "input")); more = "") ==
          ("network.chain", "/layers/0/inputs/1/weights")
end
