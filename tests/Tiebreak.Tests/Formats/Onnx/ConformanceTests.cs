using System.Text;
using global::Onnx;
using Google.Protobuf;
using Tiebreak.Formats;
using Tiebreak.Formats.Onnx;
using Tiebreak.Programs;
using Tiebreak.Tests.Programs;
using Xunit;

namespace Tiebreak.Tests.Formats.Onnx;

/// <summary>The ONNX project's own node tests, computed by the lowered programs in float64.</summary>
public sealed class ConformanceTests
{
    [Theory]
    [InlineData("onnx-conformance/node")]
    [InlineData("onnx-conformance/pytorch-converted")]
    public void Lowered_programs_compute_what_the_standard_says(string folder)
    {
        var path = SharedFolder.Require(folder);
        var report = new StringBuilder();
        var passed = 0;
        foreach (var testCase in Directory.GetDirectories(path).Order(StringComparer.Ordinal))
        {
            var name = Path.GetFileName(testCase);
            var problem = ConformanceCase.Run(testCase);
            if (problem is null) passed++;
            var expected = !ConformanceExceptions.Reasons.ContainsKey(name);
            if (problem is null != expected) report.AppendLine($"{name}: {problem ?? "passes, though it is listed as an exception"}");
        }

        TestContext.Current.SendDiagnosticMessage($"{folder}: {passed} cases pass");
        Assert.True(report.Length == 0, report.ToString());
    }
}

/// <summary>One folder of the conformance suite.</summary>
static class ConformanceCase
{
    const double Relative = 1e-3;
    const double Absolute = 1e-5;

    /// <summary>Null if the outputs are as expected, else what is wrong.</summary>
    public static string? Run(string folder)
    {
        try
        {
            return Run(folder, settingsAreConstant: false);
        }
        catch (TiebreakException)
        {
            // The suite feeds shapes, axes and scales as inputs; models that people train have them as constants.
        }

        try
        {
            return Run(folder, settingsAreConstant: true);
        }
        catch (TiebreakException error)
        {
            return error.Message;
        }
    }

    static string? Run(string folder, bool settingsAreConstant)
    {
        var proto = ModelProto.Parser.ParseFrom(File.ReadAllBytes(Path.Combine(folder, "model.onnx")));
        if (settingsAreConstant) MakeSettingsConstant(proto, Path.Combine(folder, "test_data_set_0"));
        // Opset 6 is refused; these cases mean the same in opset 7.
        foreach (var import in proto.OpsetImport.Where(import => import.Domain.Length == 0 && import.Version < 7)) import.Version = 7;
        var copy = Path.Combine(Path.GetTempPath(), $"tiebreak-{Guid.NewGuid():N}.onnx");
        File.WriteAllBytes(copy, proto.ToByteArray());
        try
        {
            using var reader = OnnxReader.Open(copy);
            var dims = reader.FreeDims.ToDictionary(name => name, _ => 3);
            var batchNormTraining = proto.Graph.Node.Any(node => node.OpType == "BatchNormalization" && node.Attribute.Any(attribute => attribute.Name == "training_mode" && attribute.I != 0));
            var model = reader.Lower(new LoweringOptions { BatchNormTraining = batchNormTraining, Dropout = false, Dims = dims });
            var data = Path.Combine(folder, "test_data_set_0");
            var inputs = proto.Graph.Input.Select((input, k) => (input.Name, Tensor: Read(Path.Combine(data, $"input_{k}.pb")))).Where(input => input.Tensor is not null).ToDictionary(input => input.Name, input => input.Tensor!);
            var values = FloatEvaluator.Evaluate(model.Program, node => Leaf(node, inputs, model, proto.Graph.Node.Any(loss => loss.OpType.EndsWith("Loss", StringComparison.Ordinal))));
            foreach (var (name, shape, actual) in values)
            {
                var k = proto.Graph.Output.ToList().FindIndex(output => output.Name == name);
                var expected = Read(Path.Combine(data, $"output_{k}.pb"))!;
                if (!shape.Sizes.Select(size => (long)size).SequenceEqual(expected.Dims)) return $"output {name} has shape {shape}, not [{string.Join(",", expected.Dims)}]";
                var numbers = Numbers(expected);
                for (var i = 0; i < numbers.Length; i++)
                {
                    if (actual[i].Equals(numbers[i]) || Math.Abs(actual[i] - numbers[i]) <= Absolute + Relative * Math.Abs(numbers[i])) continue;
                    return $"output {name}[{i}] is {actual[i]}, not {numbers[i]}";
                }
            }

            return null;
        }
        finally
        {
            File.Delete(copy);
        }
    }

    static void MakeSettingsConstant(ModelProto proto, string data)
    {
        for (var k = 0; k < proto.Graph.Input.Count; k++)
        {
            var input = proto.Graph.Input[k];
            var uses = proto.Graph.Node.SelectMany(node => node.Input.Select((name, slot) => (name, Use: WeightUses.Of(node.OpType, slot)))).Where(use => use.name == input.Name).ToList();
            var isInteger = (TensorProto.Types.DataType)input.Type.TensorType.ElemType is TensorProto.Types.DataType.Int32 or TensorProto.Types.DataType.Int64 or TensorProto.Types.DataType.Bool;
            if (!isInteger && uses.Exists(use => use.Use != WeightUse.Setting)) continue;
            if (Read(Path.Combine(data, $"input_{k}.pb")) is not { } tensor) continue;
            tensor.Name = input.Name;
            proto.Graph.Initializer.Add(tensor);
        }
    }

    static TensorProto? Read(string path) => File.Exists(path) ? TensorProto.Parser.ParseFrom(File.ReadAllBytes(path)) : null;

    static double[] Leaf(Node node, Dictionary<string, TensorProto> inputs, Model model, bool isLoss)
    {
        if (node.Primitive is Primitive.Parameter parameter)
        {
            var start = new double[node.Shape.Count];
            model.Parameters.Single(tensor => tensor.Name == parameter.Name).Start.ReadDoubles(0, start);
            return start;
        }

        var (name, kind) = node.Primitive is Primitive.Data data ? (data.Name, data.Kind) : throw new InvalidOperationException($"unexpected leaf {node}");
        if (kind != DataKind.Distribution) return Numbers(inputs[name]);
        var rows = node.Shape[node.Shape.Rank - 1];
        var indices = Numbers(inputs[name[..name.LastIndexOf(" among ", StringComparison.Ordinal)]]);
        var oneHot = new double[node.Shape.Count];
        for (var k = 0; k < indices.Length; k++)
        {
            // Gather counts negative indices from the end; a loss leaves them out.
            var row = (int)(indices[k] < 0 && !isLoss ? indices[k] + rows : indices[k]);
            if (row >= 0 && row < rows) oneHot[k * rows + row] = 1;
        }

        return oneHot;
    }

    static double[] Numbers(TensorProto tensor)
    {
        var raw = tensor.RawData.ToByteArray();
        var count = (int)tensor.Dims.Aggregate(1L, (product, size) => product * size);
        return [.. Enumerable.Range(0, count).Select(k => (TensorProto.Types.DataType)tensor.DataType switch
        {
            TensorProto.Types.DataType.Float => tensor.HasRawData ? BitConverter.ToSingle(raw, 4 * k) : tensor.FloatData[k],
            TensorProto.Types.DataType.Double => tensor.HasRawData ? BitConverter.ToDouble(raw, 8 * k) : tensor.DoubleData[k],
            TensorProto.Types.DataType.Float16 => (double)BitConverter.UInt16BitsToHalf(tensor.HasRawData ? BitConverter.ToUInt16(raw, 2 * k) : (ushort)tensor.Int32Data[k]),
            // Old generators of the suite declare bfloat16 results as uint16.
            TensorProto.Types.DataType.Bfloat16 or TensorProto.Types.DataType.Uint16 => BitConverter.UInt32BitsToSingle((uint)(tensor.HasRawData ? BitConverter.ToUInt16(raw, 2 * k) : (ushort)tensor.Int32Data[k]) << 16),
            TensorProto.Types.DataType.Int64 => tensor.HasRawData ? BitConverter.ToInt64(raw, 8 * k) : tensor.Int64Data[k],
            TensorProto.Types.DataType.Int32 => tensor.HasRawData ? BitConverter.ToInt32(raw, 4 * k) : tensor.Int32Data[k],
            TensorProto.Types.DataType.Bool => tensor.HasRawData ? raw[k] : tensor.Int32Data[k],
            var type => throw new NotSupportedException(type.ToString()),
        })];
    }
}
