using Tiebreak.Conformance;
using Tiebreak.Evaluation;
using Tiebreak.Formats.Onnx.Writing;
using Tiebreak.Programs;
using Xunit;

namespace Tiebreak.Tests.Formats.Onnx.Writing;

/// <summary>Compares what ONNX Runtime makes of a written program with what the program means.</summary>
static class Written
{
    /// <summary>Fails unless all outputs agree; false where the numbers overflow or are undefined, which proves nothing.</summary>
    public static bool Agrees(TensorProgram program, OnnxElementType elementType = OnnxElementType.Float64, int seed = 0)
    {
        var expected = FloatEvaluator.Evaluate(program, node => Values(node, seed));
        if (expected.Any(output => Array.Exists(output.Values, value => !double.IsFinite(value) || Math.Abs(value) > 1e6))) return false;
        var actual = RuntimeEvaluator.Evaluate(program, node => Values(node, seed), elementType);
        var (relative, absolute) = elementType == OnnxElementType.Float64 ? (1e-5, 1e-6) : (1e-3, 1e-3); // some functions are computed in float32 even so
        for (var k = 0; k < expected.Count; k++)
        {
            Assert.Equal(expected[k].Shape, actual[k].Shape);
            for (var i = 0; i < expected[k].Values.Length; i++)
                Assert.True(Math.Abs(actual[k].Values[i] - expected[k].Values[i]) <= absolute + relative * Math.Abs(expected[k].Values[i]), $"output {k}[{i}] is {actual[k].Values[i]}, not {expected[k].Values[i]}, in\n{ProgramPrinter.Print(program)}");
        }

        return true;
    }

    /// <summary>Generic numbers between −1 and 1, so that no kink is met by accident; the same for every use of a leaf.</summary>
    public static double[] Values(Node leaf, int seed = 0)
    {
        var name = leaf.Primitive switch { Primitive.Parameter parameter => parameter.Name, Primitive.Data data => $"data {data.Name}", _ => "" };
        var random = new Random(name.Aggregate(seed, (hash, letter) => unchecked(31 * hash + letter)));
        return [.. Enumerable.Range(0, (int)leaf.Shape.Count).Select(_ => 2 * random.NextDouble() - 1)];
    }
}
