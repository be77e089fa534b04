using Tiebreak.Evaluation;
using Tiebreak.Gradients;
using Tiebreak.Numbers;
using Tiebreak.Programs;
using Tiebreak.Refinement;
using Tiebreak.Tests.Judge;
using Tiebreak.Tests.Refinement.Streaming;
using Xunit;

namespace Tiebreak.Tests.Evaluation;

/// <summary>Values made anew are the values that would have been kept, and less is alive at once.</summary>
public sealed class RematerializationTests
{
    static readonly int Cases = 4 * Agreement.More;

    [Theory]
    [MemberData(nameof(RandomTransformers.Names), MemberType = typeof(RandomTransformers))]
    public void Gradients_are_the_same(string family)
    {
        for (var seed = 1; seed <= Cases; seed++)
        {
            using var checkpoint = RandomTransformers.Draw(family, seed);
            var options = new CheckOptions { Dropout = seed % 2 == 0 };
            using var file = Check.Open(checkpoint.Path, options);
            var step = 0;
            var model = new Sizes(file, Check.Lowering(options)).Smallest(ref step);
            var forward = SelfGates.Of(model.Program);
            IsTheSame(Gradient.Of(forward, model.OutputIsLoss, model.Parameters.Select(parameter => parameter.Name).ToHashSet(StringComparer.Ordinal)), forward.Nodes.Count, seed);
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(64)]
    public void Of_deep_networks_little_more_than_the_stream_between_layers_is_alive(int layers)
    {
        var (gradient, forward) = Deep(layers);
        var frugal = IsTheSame(gradient, forward, seed: layers);

        // A layer keeps the stream, and while it works some vectors that are four times as wide.
        Assert.True(MostAlive(frugal) <= Width * (layers + 60), $"{MostAlive(frugal)} numbers at once, {MostAlive(gradient)} before");
        Assert.True(layers < 8 || MostAlive(gradient) > Width * layers * 8);
    }

    [Fact]
    public void What_skips_layers_stays_alive_and_is_not_made_again()
    {
        var builder = new ProgramBuilder();
        var first = builder.Apply(new ScalarFunction(FunctionKind.Tanh), builder.Data("x", new Shape([Width])));
        var stream = first;
        for (var layer = 0; layer < 8; layer++) stream = builder.Add(Layer(builder, stream, layer), first);
        builder.Output("y", stream);
        var forward = builder.Build();
        var gradient = Gradient.Of(forward, outputIsLoss: false, forward.Nodes.Select(node => node.Primitive).OfType<Primitive.Parameter>().Select(parameter => parameter.Name).ToHashSet(StringComparer.Ordinal));
        var frugal = IsTheSame(gradient, forward.Nodes.Count, seed: 1);
        Assert.True(frugal.Nodes.Count > gradient.Nodes.Count);
        Assert.Single(frugal.Nodes, node => node.Primitive == first.Primitive && ReferenceEquals(node.Operands[0], first.Operands[0]));
    }

    const int Width = 16;

    static (TensorProgram Gradient, int Forward) Deep(int layers)
    {
        var builder = new ProgramBuilder();
        var stream = builder.Data("x", new Shape([Width]));
        for (var layer = 0; layer < layers; layer++) stream = Layer(builder, stream, layer);
        builder.Output("y", stream);
        var forward = builder.Build();
        var names = forward.Nodes.Select(node => node.Primitive).OfType<Primitive.Parameter>().Select(parameter => parameter.Name).ToHashSet(StringComparer.Ordinal);
        return (Gradient.Of(forward, outputIsLoss: false, names), forward.Nodes.Count);
    }

    // x + V·(sin(Wx) · tanh(Ux)), four times as wide inside.
    static Node Layer(ProgramBuilder builder, Node stream, int layer)
    {
        Node Wide(string name, FunctionKind kind) => builder.Apply(new ScalarFunction(kind), builder.Contract("ij", "j", "i", builder.Parameter($"{name}{layer}", new Shape([4 * Width, Width])), stream));
        var inside = builder.Multiply(Wide("w", FunctionKind.Sin), Wide("u", FunctionKind.Tanh));
        return builder.Add(stream, builder.Contract("ij", "j", "i", builder.Parameter($"v{layer}", new Shape([Width, 4 * Width])), inside));
    }

    static TensorProgram IsTheSame(TensorProgram gradient, int forward, int seed)
    {
        var frugal = Rematerialization.Of(gradient, forward);
        ProgramGrammar.Check(frugal);
        Assert.Equal(gradient.Outputs.Select(output => output.Name), frugal.Outputs.Select(output => output.Name));
        var (expected, actual) = (Values(gradient, seed), Values(frugal, seed));
        foreach (var (name, _) in gradient.Outputs) Assert.Equal(expected[name], actual[name]);
        Assert.True(MostAlive(frugal) <= MostAlive(gradient));
        Assert.Equal(MostAlive(frugal), Rematerialization.MostAlive(frugal));
        return frugal;
    }

    static Dictionary<string, ulong[]> Values(TensorProgram program, int seed)
    {
        var values = program.Outputs.ToDictionary(output => output.Name, output => new ulong[output.Node.Shape.Count], StringComparer.Ordinal);
        using var pool = new BufferPool(1 << 20);
        FieldEvaluator<Mersenne61>.Run([default], (ulong)seed, KinkConvention.Frameworks, program, new Point((ulong)seed), new Workers(1, CancellationToken.None), pool, (name, _, start, chunk) => chunk.CopyTo(values[name].AsSpan((int)start)));
        return values;
    }

    sealed class Point(ulong seed) : IParameterPoint
    {
        public void Fill<TField>(TField field, int lane, string name, long start, Span<ulong> values) where TField : struct, IField
        {
            var random = new RandomFunction(seed, RandomFunction.Purpose(name));
            for (var k = 0; k < values.Length; k++) values[k] = random.Below(field.Modulus, (ulong)(start + k));
        }
    }

    // The most numbers that are alive at once, each from its node to the last reader; plain looks take none, and leaves are made for each reader.
    static long MostAlive(TensorProgram program)
    {
        var isLeaf = Rematerialization.OfLeaves(program);
        var (origin, last) = (new int[program.Nodes.Count], new int[program.Nodes.Count]);
        foreach (var node in program.Nodes)
        {
            var isLook = node.Primitive is Primitive.Reshape or Primitive.Transpose or Primitive.Broadcast or Primitive.Gather { Map: IndexMap.Affine };
            origin[node.Id] = isLook ? origin[node.Operands[0].Id] : node.Id;
            foreach (var operand in node.Operands) last[origin[operand.Id]] = node.Id;
        }

        long most = 0;
        for (var id = 0; id < program.Nodes.Count; id++) most = Math.Max(most, program.Nodes.Take(id + 1).Where(node => origin[node.Id] == node.Id && !isLeaf[node.Id] && last[node.Id] > id).Sum(node => node.Shape.Count));
        return most;
    }
}
