using Microsoft.ML.OnnxRuntime;
using Tiebreak.Conformance;
using Tiebreak.Formats;
using Tiebreak.Formats.Onnx;
using Tiebreak.Formats.Onnx.Writing;
using Tiebreak.Numbers;
using Tiebreak.Programs;
using Xunit;

namespace Tiebreak.Tests.Formats.Onnx.Writing;

/// <summary>Whole models, lowered and written back, compute in ONNX Runtime what their files compute there.</summary>
public sealed class WrittenModelsTests
{
    [Theory]
    [InlineData("face_detection_front_128x128_barracuda")]
    [InlineData("ch_PP-OCRv4_det_infer", 1, 64, 96)]
    [InlineData("ch_PP-OCRv4_rec_infer", 1, 96)]
    public void A_written_model_computes_what_its_file_computes(string name, params int[] sizes)
    {
        var path = SharedFolder.Require($"models/real/{name}.onnx");
        using var reader = OnnxReader.Open(path);
        var model = reader.Lower(new LoweringOptions { BatchNormTraining = false, Dropout = false, Dims = reader.FreeDims.Zip(sizes).ToDictionary(pair => pair.First, pair => pair.Second) });
        var weights = model.Parameters.Concat(model.Frozen).ToDictionary(weight => weight.Name, StringComparer.Ordinal);
        double[] Leaf(Node leaf) => leaf.Primitive is Primitive.Parameter parameter ? Doubles(weights[parameter.Name].Start) : Array.ConvertAll(Written.Values(leaf), value => (double)(float)value);
        var written = RuntimeEvaluator.Evaluate(model.Program, Leaf, OnnxElementType.Float32);

        using var session = new InferenceSession(path);
        var leaves = model.Program.Nodes.Where(node => node.Primitive is Primitive.Data).ToList();
        var inputs = leaves.ConvertAll(leaf => OrtValue.CreateTensorValueFromMemory(Array.ConvertAll(Leaf(leaf), value => (float)value), [.. leaf.Shape.Sizes.Select(size => (long)size)]));
        using var run = new RunOptions();
        using var expected = session.Run(run, leaves.ConvertAll(leaf => ((Primitive.Data)leaf.Primitive).Name), inputs, [.. written.Select(output => output.Name)]);
        for (var k = 0; k < written.Count; k++)
        {
            var scale = Math.Max(1e-2, written[k].Values.Max(Math.Abs));
            Assert.Equal(expected[k].GetTensorDataAsSpan<float>().ToArray().Select(value => (double)value), written[k].Values, (a, b) => Math.Abs(a - b) <= 1e-3 * scale);
        }

        inputs.ForEach(input => input.Dispose());
    }

    static double[] Doubles(ExactTensor tensor)
    {
        var doubles = new double[tensor.Count];
        tensor.ReadDoubles(0, doubles);
        return doubles;
    }
}
