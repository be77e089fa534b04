using Tiebreak.Conformance;
using Tiebreak.Evaluation;
using Tiebreak.Formats.Onnx.Writing;
using Tiebreak.Numbers;
using Tiebreak.Programs;
using Xunit;

namespace Tiebreak.Tests.Formats.Onnx.Writing;

/// <summary>Each primitive as ONNX operators, and how few of them.</summary>
public sealed class OnnxWriterTests
{
    static readonly double[] Kinks = [-2.5, -1.5, -1, -0.5, 0, 0.25, 0.5, 1, 1.5, 2.5];

    public static TheoryData<FunctionKind> Kinds => [.. Enum.GetValues<FunctionKind>().Except([FunctionKind.SelfGated, FunctionKind.SelfGatedSlope])]; // only the field meets those

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Functions_mean_the_same(FunctionKind kind)
    {
        double[] values = kind switch
        {
            FunctionKind.Log or FunctionKind.Sqrt or FunctionKind.Power => [0.25, 1, 3],
            FunctionKind.Asin or FunctionKind.Atanh => [-0.75, 0, 0.5],
            FunctionKind.Acosh => [1, 1.5, 4],
            _ => Kinks,
        };
        double[] atZero = kind == FunctionKind.Step ? [0, 1, 0.5] : [0];
        foreach (var zero in atZero) Same(values, (builder, x) => builder.Apply(new ScalarFunction(kind, zero, 1.75), x));
    }

    [Theory]
    [InlineData(1, TieBreak.First)]
    [InlineData(1, TieBreak.Split)]
    [InlineData(2, TieBreak.First)]
    public void Choices_take_the_same_of_equal_elements(int count, TieBreak ties)
    {
        double[] x = [1, 3, 3, 2, 2, 2, -1, -1, 0, 5, 4, 5];
        var shape = new Shape(2, 2, 3);
        foreach (var allowed in new bool[]?[] { null, [true, true, false], [false, true, true, false, true, false], [true, false], [.. x.Select(value => value < 5)], [.. x.Select((_, k) => k >= 3)] })
            Same(x, (builder, node) => builder.Choose(builder.Reshape(node, shape), count, ties, allowed is null ? null : new AllowedElements(allowed)));
    }

    [Fact]
    public void Contractions_of_any_letters_mean_the_same()
    {
        var random = new Random(5);
        for (var round = 0; round < 120; round++)
        {
            var (left, right, output) = (new List<char>(), new List<char>(), new List<char>());
            var sizes = new Dictionary<char, int>();
            foreach (var letter in "abcdefg"[..random.Next(0, 7)])
            {
                var kind = random.Next(4); // summed, row, column, batch
                if (kind != 2) left.Insert(random.Next(left.Count + 1), letter);
                if (kind != 1) right.Insert(random.Next(right.Count + 1), letter);
                if (kind != 0) output.Insert(random.Next(output.Count + 1), letter);
                sizes[letter] = random.Next(1, 4);
            }

            var builder = new ProgramBuilder();
            Node Operand(string name, List<char> letters) => builder.Parameter(name, new Shape([.. letters.Select(letter => sizes[letter])]));
            builder.Output("y", builder.Contract(string.Concat(left), string.Concat(right), string.Concat(output), Operand("l", left), Operand("r", right)));
            Assert.True(Written.Agrees(builder.Build(), seed: round));
        }
    }

    [Theory]
    [InlineData("ni", "oi", "no", 2)] // a dense layer
    [InlineData("no", "ni", "oi", 2)] // its gradient by the weight
    [InlineData("no", "oi", "ni", 1)] // and by the input
    [InlineData("bhqd", "bhkd", "bhqk", 5)] // attention: only reshapes and the exchange of matrix axes
    public void Contractions_are_one_matrix_product_with_little_else(string left, string right, string output, int most)
    {
        var builder = new ProgramBuilder();
        Node Operand(string name, string letters) => builder.Data(name, new Shape([.. letters.Select(letter => letter - 'a' + 2)]));
        builder.Output("y", builder.Contract(left, right, output, Operand("l", left), Operand("r", right)));
        var operators = OnnxWriter.Write(builder.Build(), new OnnxWriterOptions()).Model.Graph.Node.Select(node => node.OpType).Where(type => type != "Identity").ToList();
        Assert.Single(operators, "MatMul");
        Assert.True(operators.Count <= most, string.Join(' ', operators));
    }

    [Fact]
    public void Index_maps_of_every_kind_read_and_add_the_same()
    {
        var image = new Shape(2, 3, 8, 6);
        int[] places = [.. Enumerable.Range(0, 700).Select(k => k * 37 % 600)];
        IndexMap[] maps =
        [
            new IndexMap.Affine(image, new Shape(2, 3, 3, 2, 3, 3), 0, new Axes(144, 48, 12, 2, 6, 1)), // windows, a stride of 2
            new IndexMap.Affine(image, new Shape(2, 3, 2, 2, 3, 2), 6, new Axes(144, 48, 6, 1, 12, 2)), // dilated
            new IndexMap.Affine(image, new Shape(2, 1, 4, 3), 47, new Axes(144, 7, -12, -2)), // backwards
            new IndexMap.Affine(new Shape(4, 4), new Shape(4), 0, new Axes(5)), // a diagonal
            new IndexMap.Affine(new Shape(3, 1, 2), new Shape(2, 1, 3, 1), 0, new Axes(1, 9, 2, 0)),
            new IndexMap.Affine(new Shape(5), new Shape(2, 5), 0, new Axes(0, 1)), // repeated
            new IndexMap.Affine(Shape.Scalar, new Shape(3), 0, new Axes(0)),
            new IndexMap.Table(new Shape(2, 3), new Shape(4, 3), [-1, -1, -1, 0, 1, 2, 3, 4, 5, -1, -1, -1]), // padded
            new IndexMap.Table(new Shape(2, 3), new Shape(4, 3), [1, 1, 2, -1, -1, -1, 4, 4, 5, 4, 4, 5]), // a grid with repeats and zeros
            new IndexMap.Table(new Shape(2, 3), new Shape(5), [5, -1, 0, 0, 3]), // anything
            new IndexMap.Table(new Shape(2), new Shape(2, 2), [-1, -1, -1, -1]),
            new IndexMap.Table(new Shape(600, 2), new Shape(700, 2), [.. places.SelectMany(place => new[] { 2 * place, 2 * place + 1 })]), // too large for a matrix
        ];
        foreach (var map in maps)
        {
            var builder = new ProgramBuilder();
            builder.Output("read", builder.Gather(builder.Parameter("source", map.Source), map));
            builder.Output("added", builder.ScatterAdd(builder.Parameter("target", map.Target), map));
            Assert.True(Written.Agrees(builder.Build()));
        }
    }

    [Fact]
    public void Windows_are_read_by_lists_along_axes()
    {
        var builder = new ProgramBuilder();
        var image = new Shape(16, 3, 64, 64);
        builder.Output("y", builder.Gather(builder.Data("x", image), new IndexMap.Affine(image, new Shape(16, 3, 62, 62, 3, 3), 0, new Axes(12288, 4096, 64, 1, 64, 1))));
        Assert.InRange(OnnxWriter.Write(builder.Build(), new OnnxWriterOptions()).ToBytes().Length, 1000, 8000); // all elements one by one would be 13 MB
    }

    [Fact]
    public void Sums_over_nothing_are_zero()
    {
        var builder = new ProgramBuilder();
        var empty = builder.Data("x", new Shape(3, 0));
        builder.Output("sum", builder.ReduceSum(empty, 1));
        builder.Output("product", builder.Contract("ak", "bk", "ab", empty, builder.Data("z", new Shape(2, 0))));
        builder.Output("nothing", builder.Apply(FunctionKind.Tanh, empty));
        Assert.True(Written.Agrees(builder.Build()));
    }

    [Fact]
    public void Names_that_are_taken_get_a_number()
    {
        var builder = new ProgramBuilder();
        var (weight, data) = (builder.Parameter("a", new Shape(2)), builder.Data("a", new Shape(2)));
        builder.Output("a", builder.Add(weight, data));
        builder.Output("a", weight);
        builder.Output("b", weight);
        var written = OnnxWriter.Write(builder.Build(), new OnnxWriterOptions());
        Assert.Equal(["a", "a 2"], written.Inputs.Select(input => input.Name));
        Assert.Equal(["a 3", "a 4", "b"], written.Outputs);
        Assert.True(Written.Agrees(builder.Build()));
    }

    [Fact]
    public void Weights_are_inputs_or_stand_in_the_model()
    {
        var builder = new ProgramBuilder();
        builder.Output("y", builder.Multiply(builder.Parameter("fixed", new Shape(2)), builder.Parameter("fed", new Shape(2))));
        var written = OnnxWriter.Write(builder.Build(), new OnnxWriterOptions { Weights = name => name == "fixed" ? new RationalTensor([new Rational(1, 3), 2]) : null });
        Assert.Equal("fed", Assert.Single(written.Inputs).Name);
        Assert.Equal(8, Assert.Single(written.Model.Graph.Initializer).RawData.Length);
    }

    static void Same(double[] values, Func<ProgramBuilder, Node, Node> make)
    {
        var builder = new ProgramBuilder();
        builder.Output("y", make(builder, builder.Data("x", new Shape(values.Length))));
        var expected = FloatEvaluator.Evaluate(builder.Build(), _ => values)[0].Values;
        foreach (var type in Enum.GetValues<OnnxElementType>())
            Assert.Equal(expected, RuntimeEvaluator.Evaluate(builder.Build(), _ => values, type)[0].Values, (a, b) => Math.Abs(a - b) <= 1e-5);
    }
}
