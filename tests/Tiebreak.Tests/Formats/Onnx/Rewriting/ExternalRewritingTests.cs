using global::Onnx;
using Google.Protobuf;
using Tiebreak.Formats;
using Tiebreak.Tests.House;
using Xunit;

namespace Tiebreak.Tests.Formats.Onnx.Rewriting;

public sealed class ExternalRewritingTests
{
    [Fact]
    public void In_another_folder_the_data_keep_their_name_and_the_model_every_byte()
    {
        using var folder = Folder();
        Directory.CreateDirectory(folder.File("out"));
        Rewritten.Write(folder.File("m.onnx"), folder.File("out", "m.onnx"), Rewritten.Changes(("w", [9, 8, 7, 6])));
        Assert.Equal(File.ReadAllBytes(folder.File("m.onnx")), File.ReadAllBytes(folder.File("out", "m.onnx")));
        var (before, after) = (File.ReadAllBytes(folder.File("m.bin")), File.ReadAllBytes(folder.File("out", "m.bin")));
        Assert.Equal(before[..8], after[..8]);
        Assert.Equal(Floats(9, 8, 7, 6), after[8..24]);
        Assert.Equal(before[24..], after[24..]);
        Assert.Equal(File.ReadAllBytes(folder.File("sub", "v.bin")), File.ReadAllBytes(folder.File("out", "sub", "v.bin")));
    }

    [Fact]
    public void In_the_same_folder_the_changed_data_get_a_name_and_the_others_are_shared()
    {
        using var folder = Folder();
        Rewritten.Write(folder.File("m.onnx"), folder.File("n.onnx"), Rewritten.Changes(("w", [9, 8, 7, 6])));
        Assert.Equal(["m.bin", "m.onnx", "n.onnx", "n.onnx.data", "sub"], Directory.GetFileSystemEntries(folder.Path).Select(Path.GetFileName).Order());
        var (one, other) = (ModelProto.Parser.ParseFrom(File.ReadAllBytes(folder.File("m.onnx"))), ModelProto.Parser.ParseFrom(File.ReadAllBytes(folder.File("n.onnx"))));
        foreach (var tensor in one.Graph.Initializer.Where(tensor => tensor.ExternalData[0].Value == "m.bin")) tensor.ExternalData[0].Value = "n.onnx.data";
        Assert.Equal(one, other);
        Assert.Equal("sub/v.bin", other.Graph.Initializer[2].ExternalData[0].Value);
    }

    [Fact]
    public void Other_files_that_stand_in_the_way_stay()
    {
        using var folder = Folder();
        Directory.CreateDirectory(folder.File("out", "sub"));
        File.WriteAllText(folder.File("out", "m.bin"), "mine");
        File.WriteAllText(folder.File("out", "sub", "v.bin"), "mine");
        Rewritten.Write(folder.File("m.onnx"), folder.File("out", "n.onnx"), Rewritten.Changes(("w", [9, 8, 7, 6])));
        Assert.Equal("mine", File.ReadAllText(folder.File("out", "m.bin")));
        Assert.Equal("mine", File.ReadAllText(folder.File("out", "sub", "v.bin")));
        Assert.True(File.Exists(folder.File("out", "n.onnx.data")));
        Assert.True(File.Exists(folder.File("out", "n.onnx.2.data")));
    }

    [Fact]
    public void Two_tensors_on_the_same_bytes_are_refused()
    {
        using var folder = Folder(overlap: true);
        var error = Assert.Throws<TiebreakException>(() => Rewritten.Write(folder.File("m.onnx"), folder.File("n.onnx"), Rewritten.Changes(("w", [9, 8, 7, 6]), ("b", [1, 2]))));
        Assert.Contains("share their numbers", error.Message);
        Assert.Equal(["m.bin", "m.onnx", "sub"], Directory.GetFileSystemEntries(folder.Path).Select(Path.GetFileName).Order());
    }

    static TemporaryFolder Folder(bool overlap = false)
    {
        var folder = new TemporaryFolder();
        Directory.CreateDirectory(folder.File("sub"));
        File.WriteAllBytes(folder.File("m.bin"), Floats(1, 2, 3, 4, 5, 6, 7));
        File.WriteAllBytes(folder.File("sub", "v.bin"), Floats(1, 2));
        var model = new OnnxModelBuilder().Input("x", 1, 2).Output("y")
            .Tensor(External("w", "m.bin", 8, 2, 2)).Tensor(External("b", "m.bin", overlap ? 16 : 0, 2)).Tensor(External("v", "sub/v.bin", 0, 2))
            .Node("Gemm", ["x", "w", "b"], ["h"]).Node("Mul", ["h", "v"], ["y"]);
        File.WriteAllBytes(folder.File("m.onnx"), model.Proto().ToByteArray());
        return folder;
    }

    static TensorProto External(string name, string location, int offset, params long[] sizes)
    {
        var tensor = new TensorProto { Name = name, DataType = (int)TensorProto.Types.DataType.Float, DataLocation = TensorProto.Types.DataLocation.External };
        tensor.Dims.AddRange(sizes);
        tensor.ExternalData.Add(new StringStringEntryProto { Key = "location", Value = location });
        tensor.ExternalData.Add(new StringStringEntryProto { Key = "offset", Value = $"{offset}" });
        return tensor;
    }

    static byte[] Floats(params float[] values) => [.. values.SelectMany(BitConverter.GetBytes)];
}
