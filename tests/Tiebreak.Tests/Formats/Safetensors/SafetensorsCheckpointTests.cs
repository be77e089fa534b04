using Tiebreak.Formats.Safetensors;
using Tiebreak.Tests.House;
using Xunit;
using static Tiebreak.Tests.Formats.Safetensors.RawFile;

namespace Tiebreak.Tests.Formats.Safetensors;

/// <summary>Checkpoints of several files, and what can be wrong between them.</summary>
public sealed class SafetensorsCheckpointTests
{
    const string Index = "model.safetensors.index.json";
    const string First = "model-00001-of-00002.safetensors";
    const string Second = "model-00002-of-00002.safetensors";

    static void Fill(TemporaryFolder folder, string map, params (string Name, string[] Tensors)[] shards)
    {
        File.WriteAllText(folder.File(Index), $$"""{"metadata":{"total_size":32},"weight_map":{{map}}}""");
        foreach (var (name, tensors) in shards) In(folder, name, Pairs(tensors));
    }

    static string Map(params (string Tensor, string Shard)[] entries) => "{" + string.Join(",", entries.Select(entry => $"\"{entry.Tensor}\":\"{entry.Shard}\"")) + "}";

    static void Refused(TemporaryFolder folder, params string[] parts)
    {
        var error = Assert.Throws<TiebreakException>(() => SafetensorsCheckpoint.Open(folder.Path).Dispose());
        Assert.StartsWith(folder.Path, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', error.Message);
        foreach (var part in parts) Assert.Contains(part, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Shards_are_read_as_one()
    {
        using var folder = new TemporaryFolder();
        Fill(folder, Map(("c", Second), ("a", First), ("b", First)), (First, ["a", "b"]), (Second, ["c"]));
        foreach (var path in new[] { folder.Path, folder.File(Index) })
        {
            using var checkpoint = SafetensorsCheckpoint.Open(path);
            Assert.Equal([folder.File(Index), folder.File(Second), folder.File(First)], checkpoint.Files);
            Assert.Equal(["c", "a", "b"], checkpoint.Tensors.Select(tensor => tensor.Name));
            Assert.Equal(folder.File(First), checkpoint.Find("b")!.Path);
            Assert.Null(checkpoint.Find("d"));
        }
    }

    [Fact]
    public void A_folder_of_a_single_file_needs_no_index()
    {
        using var folder = new TemporaryFolder();
        In(folder, "model.safetensors", Pairs("a", "b"));
        using var checkpoint = SafetensorsCheckpoint.Open(folder.Path);
        Assert.Equal([folder.File("model.safetensors")], checkpoint.Files);
    }

    [Fact]
    public void A_folder_without_weights()
    {
        using var folder = new TemporaryFolder();
        Refused(folder, "holds no model.safetensors and no index");
    }

    [Fact]
    public void A_folder_with_two_checkpoints()
    {
        using var folder = new TemporaryFolder();
        Fill(folder, Map(("a", First)), (First, ["a"]), ("model.safetensors", ["a"]));
        Refused(folder, "both model.safetensors and model.safetensors.index.json");
    }

    [Fact]
    public void A_file_without_tensors()
    {
        using var folder = new TemporaryFolder();
        In(folder, "model.safetensors", Of("{}", 0));
        Refused(folder, "holds no tensors");
    }

    [Fact]
    public void A_shard_that_is_missing()
    {
        using var folder = new TemporaryFolder();
        Fill(folder, Map(("a", First), ("b", Second), ("c", Second)), (First, ["a"]));
        Refused(folder, $"the shard `{Second}`, which holds `b` and 1 more tensors, is missing; download it");
    }

    [Fact]
    public void A_shard_that_the_index_does_not_name()
    {
        using var folder = new TemporaryFolder();
        Fill(folder, Map(("a", First)), (First, ["a"]), (Second, ["b"]));
        Refused(folder, $"holds the shard `{Second}`, which the index does not name");
    }

    [Fact]
    public void Files_of_other_names_are_left_alone()
    {
        using var folder = new TemporaryFolder();
        Fill(folder, Map(("a", First)), (First, ["a"]), ("adapter_model.safetensors", ["b"]), ("model-00001-of-00003.safetensors", ["a"]));
        SafetensorsCheckpoint.Open(folder.Path).Dispose();
    }

    [Fact]
    public void A_tensor_that_its_shard_does_not_hold()
    {
        using var folder = new TemporaryFolder();
        Fill(folder, Map(("a", First), ("b", First), ("c", Second)), (First, ["a"]), (Second, ["c"]));
        Refused(folder, $"puts `b` in the shard `{First}`, which does not hold it");
    }

    [Fact]
    public void A_tensor_that_is_in_another_shard_than_the_index_says()
    {
        using var folder = new TemporaryFolder();
        Fill(folder, Map(("a", Second), ("b", First)), (First, ["a"]), (Second, ["b"]));
        Refused(folder, $"puts `a` in the shard `{Second}`, which does not hold it");
    }

    [Fact]
    public void A_tensor_that_the_index_does_not_name()
    {
        using var folder = new TemporaryFolder();
        Fill(folder, Map(("a", First)), (First, ["a", "b"]));
        Refused(folder, $"the shard `{First}` holds `b`, which the index does not name");
    }

    [Fact]
    public void A_tensor_in_two_shards()
    {
        using var folder = new TemporaryFolder();
        Fill(folder, Map(("a", First), ("b", Second)), (First, ["a"]), (Second, ["a", "b"]));
        Refused(folder, $"`a` is in the shards `{First}` and `{Second}`");
    }

    [Theory]
    [InlineData("../secret.safetensors")]
    [InlineData("/etc/passwd")]
    [InlineData("sub/model.safetensors")]
    [InlineData("..\\\\secret.safetensors")]
    [InlineData("..")]
    [InlineData("")]
    public void A_shard_outside_the_folder(string shard)
    {
        using var folder = new TemporaryFolder();
        Fill(folder, Map(("a", shard)));
        Refused(folder, "which is not a file in its own folder");
    }

    [Theory]
    [InlineData("{", "is not JSON")]
    [InlineData("[]", "has no `weight_map`")]
    [InlineData("{\"weight_map\":[]}", "has no `weight_map`")]
    [InlineData("{\"weight_map\":{}}", "has an empty `weight_map`")]
    [InlineData("{\"weight_map\":{\"a\":3}}", "gives `a` no name of a shard")]
    [InlineData("{\"weight_map\":{\"a\":\"x\",\"a\":\"y\"}}", "is not JSON")]
    public void An_index_that_is_none(string content, string problem)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File(Index), content);
        Refused(folder, problem);
    }

    [Fact]
    public void A_damaged_shard_is_named()
    {
        using var folder = new TemporaryFolder();
        Fill(folder, Map(("a", First), ("b", Second)), (First, ["a"]));
        In(folder, Second, Pairs("b")[..^1]);
        Refused(folder, folder.File(Second) + ": tensor `b`");
    }

    [Fact]
    public void A_copy_with_one_tensor_replaced_differs_in_that_alone()
    {
        using var folder = new TemporaryFolder();
        using var target = new TemporaryFolder();
        Fill(folder, Map(("a", First), ("b", First), ("c", Second)), (First, ["a", "b"]), (Second, ["c"]));
        using (var checkpoint = SafetensorsCheckpoint.Open(folder.Path))
        {
            SafetensorsEntry? Replaced(SafetensorsTensor tensor) => tensor.Name == "b" ? SafetensorsEntry.Of("b", tensor.Type, tensor.Shape, new Tiebreak.Numbers.DoubleTensor([3, 4])) : null;
            checkpoint.WriteTo(target.Path, Replaced);
            Assert.Throws<ArgumentException>(() => checkpoint.WriteTo(target.Path, tensor => SafetensorsEntry.Of("x", tensor.Type, tensor.Shape, tensor.Values)));
            checkpoint.WriteTo(folder.Path, Replaced);
        }

        foreach (var at in new[] { folder, target })
        {
            using var copy = SafetensorsCheckpoint.Open(at.Path);
            Assert.Equal(["a", "b", "c"], copy.Tensors.Select(tensor => tensor.Name));
            Assert.Equal([0, 3, 0], copy.Tensors.Select(tensor => tensor.Values[0].ToDouble()));
            Assert.Equal(4, copy.Find("b")!.Values[1].ToDouble());
        }
    }
}
