using global::Onnx;
using Google.Protobuf;
using Tiebreak.Conformance;
using Tiebreak.Evaluation;
using Tiebreak.Formats;
using Tiebreak.Formats.Onnx;
using Tiebreak.Programs;
using Tiebreak.Tests.Programs;

namespace Tiebreak.Tests.Formats.Onnx.Lowering;

/// <summary>Lowers a small model and computes its outputs in float64, from named inputs and the weights' start values.</summary>
static class OperatorRun
{
    /// <summary>The values of all outputs.</summary>
    public static IReadOnlyList<OutputValues> All(OnnxModelBuilder builder, params (string Name, double[] Values)[] inputs)
    {
        using var file = new TemporaryFile("model.onnx", builder.Proto().ToByteArray());
        using var reader = OnnxReader.Open(file.Path);
        return All(reader.Lower(Inference), inputs);
    }

    /// <summary>The values of the first output.</summary>
    public static double[] First(OnnxModelBuilder builder, params (string Name, double[] Values)[] inputs) => All(builder, inputs)[0].Values;

    /// <summary>The error that lowering ends with.</summary>
    public static string Refusal(OnnxModelBuilder builder) => Xunit.Assert.Throws<TiebreakException>(() => builder.Lower()).Message;

    /// <summary>The numbers begin, begin + step …, which are easy to follow through a test.</summary>
    public static double[] Count(int count, double begin = 0, double step = 1) => [.. Enumerable.Range(0, count).Select(k => begin + k * step)];

    /// <summary>Small numbers without a pattern.</summary>
    public static double[] Mixed(int count, int seed) => [.. Enumerable.Range(0, count).Select(k => (float)Math.Sin(1.3 * k + seed))];

    /// <summary>As float32, for weights.</summary>
    public static float[] Floats(double[] values) => Array.ConvertAll(values, value => (float)value);

    public static void Near(double[] expected, double[] actual, double tolerance = 1e-6)
    {
        Xunit.Assert.Equal(expected.Length, actual.Length);
        for (var k = 0; k < expected.Length; k++) Xunit.Assert.True(Math.Abs(expected[k] - actual[k]) <= tolerance, $"[{k}]: {expected[k]} expected, {actual[k]} computed");
    }

    public static AttributeProto Ints(string name, params long[] values)
    {
        var attribute = new AttributeProto { Name = name, Type = AttributeProto.Types.AttributeType.Ints };
        attribute.Ints.AddRange(values);
        return attribute;
    }

    public static AttributeProto Text(string name, string value) => new() { Name = name, Type = AttributeProto.Types.AttributeType.String, S = ByteString.CopyFromUtf8(value) };

    static LoweringOptions Inference { get; } = new() { Dropout = false };

    static IReadOnlyList<OutputValues> All(Model model, (string Name, double[] Values)[] inputs) => FloatEvaluator.Evaluate(model.Program, node =>
    {
        if (node.Primitive is Primitive.Parameter parameter)
        {
            var start = new double[node.Shape.Count];
            model.Parameters.Single(tensor => tensor.Name == parameter.Name).Start.ReadDoubles(0, start);
            return start;
        }

        var data = (Primitive.Data)node.Primitive;
        if (data.Kind != DataKind.Distribution) return inputs.Single(input => input.Name == data.Name).Values;
        var rows = node.Shape[node.Shape.Rank - 1];
        var indices = inputs.Single(input => data.Name == $"{input.Name} among {rows}").Values;
        var hot = new double[node.Shape.Count];
        for (var k = 0; k < indices.Length; k++) hot[k * rows + (int)indices[k]] = 1;
        return hot;
    });
}
