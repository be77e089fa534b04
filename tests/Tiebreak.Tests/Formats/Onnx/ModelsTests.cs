using System.Text.Json;
using Tiebreak.Formats;
using Tiebreak.Formats.Onnx;
using Tiebreak.Numbers;
using Tiebreak.Programs;
using Xunit;

namespace Tiebreak.Tests.Formats.Onnx;

public sealed class ModelsTests
{
    static Model Lower(string path, LoweringOptions? options = null)
    {
        using var reader = OnnxReader.Open(path);
        return reader.Lower(options ?? new LoweringOptions());
    }

    static long Count(IEnumerable<ParameterTensor> tensors) => tensors.Sum(tensor => tensor.Shape.Count);

    [Fact]
    public void Every_case_has_the_parameters_its_answer_lists()
    {
        var files = Directory.GetFiles(SharedFolder.Require("cases"), "*.onnx");
        Assert.Equal(20, files.Length);
        foreach (var file in files)
        {
            var model = Lower(file);
            using var answer = JsonDocument.Parse(File.ReadAllText(Path.ChangeExtension(file, ".partition.json")));
            var expected = answer.RootElement.GetProperty("tensors").EnumerateArray()
                .Select(tensor => $"{tensor.GetProperty("name").GetString()} [{string.Join(",", tensor.GetProperty("shape").EnumerateArray().Select(size => size.GetInt32()))}]");
            Assert.Equal(expected, model.Parameters.Select(tensor => $"{tensor.Name} {tensor.Shape}"));
        }
    }

    [Theory]
    [InlineData("bvlc_alexnet", 60_965_224)]
    [InlineData("densenet121", 8_062_504)]
    [InlineData("inception_v1", 6_998_552)]
    [InlineData("inception_v2", 11_214_888)]
    [InlineData("resnet50", 25_557_033)]
    [InlineData("shufflenet", 1_393_320)]
    [InlineData("squeezenet", 1_235_496)]
    [InlineData("vgg19", 143_667_240)]
    [InlineData("zfnet512", 87_250_537)]
    public void Light_models_have_their_known_number_of_parameters(string name, long parameters)
    {
        var model = Lower(SharedFolder.Require($"models/light/light_{name}.onnx"));
        Assert.Equal(parameters, Count(model.Parameters));
        Assert.All(model.Parameters.Where(tensor => tensor.Shape.Count > 1000), tensor => Assert.IsType<UniformTensor>(tensor.Start));
        Assert.DoesNotContain(model.Program.Nodes, node => node.Primitive is Primitive.Gather { Map: IndexMap.Table } or Primitive.ScatterAdd { Map: IndexMap.Table });
    }

    [Fact]
    public void Batch_of_three_replaces_the_fixed_batch()
    {
        foreach (var file in new[] { "models/light", "cases" }.SelectMany(folder => Directory.GetFiles(SharedFolder.Require(folder), "*.onnx")))
        {
            var program = Lower(file, new LoweringOptions { Batch = 3 }).Program;
            Assert.Equal(3, program.Outputs[0].Node.Shape[0]);
        }
    }

    [Fact]
    public void Face_detection_is_read()
    {
        var model = Lower(SharedFolder.Require("models/real/face_detection_front_128x128_barracuda.onnx"));
        Assert.Equal(4, model.Program.Outputs.Count);
        Assert.Equal(58, model.Parameters.Count);
    }

    [Theory]
    [InlineData("det", 3, 64, 64)]
    [InlineData("rec", 3, 48, 64)]
    public void Text_recognition_is_read(string name, int batch, int height, int width)
    {
        using var reader = OnnxReader.Open(SharedFolder.Require($"models/real/ch_PP-OCRv4_{name}_infer.onnx"));
        var sizes = reader.FreeDims.Count == 3 ? new[] { batch, height, width } : [batch, width];
        var model = reader.Lower(new LoweringOptions { Dims = reader.FreeDims.Zip(sizes).ToDictionary(pair => pair.First, pair => pair.Second) });
        Assert.InRange(Count(model.Parameters), 1_000_000, 5_000_000);
        TestContext.Current.SendDiagnosticMessage($"{name}: {Count(model.Parameters)} parameters, {model.Parameters.Count(tensor => tensor.FromElementwiseConstant)} of {model.Parameters.Count} tensors meet others element by element; {string.Join("; ", model.Notes)}");
    }
}
