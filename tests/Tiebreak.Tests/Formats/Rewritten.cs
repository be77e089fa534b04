using Tiebreak.Formats;
using Tiebreak.Numbers;
using Xunit;

namespace Tiebreak.Tests.Formats;

/// <summary>A model file rewritten for a test, and what it then says.</summary>
static class Rewritten
{
    /// <summary>Writes a changed copy of a model.</summary>
    public static void Write(string path, string output, ModelChanges changes, bool force = false)
    {
        using var file = ModelFile.Open(path);
        using var files = StagedFiles.For(output, file.Files, force);
        file.WriteChanged(files, changes);
        using (var staged = ModelFile.Open(files)) AssertChanged(file, staged, changes);
        files.Keep();
        using var written = ModelFile.Open(output);
        AssertChanged(file, written, changes);
    }

    /// <summary>All tensors have the numbers they had, but for the changed ones, which have theirs.</summary>
    public static void AssertChanged(IModelFile before, IModelFile after, ModelChanges changes)
    {
        var all = new LoweringOptions { Trainable = ["*"] };
        var (one, other) = (before.Lower(all), after.Lower(all));
        var now = other.Parameters.Concat(other.Frozen).ToDictionary(tensor => tensor.Name);
        foreach (var tensor in one.Parameters.Concat(one.Frozen))
        {
            if (changes.Dropped.Contains(tensor.Name)) continue;
            var expected = changes.Tensors.TryGetValue(tensor.Name, out var change) ? change.Values : tensor.Start;
            Assert.Equal(change?.Shape ?? tensor.Shape, now[tensor.Name].Shape);
            Assert.Equal(Numbers(expected), Numbers(now[tensor.Name].Start));
        }
    }

    public static Rational[] Numbers(ExactTensor tensor) => [.. Enumerable.Range(0, (int)tensor.Count).Select(k => tensor[k])];

    public static ModelChanges Changes(params (string Name, double[] Values)[] tensors) =>
        new() { Tensors = tensors.ToDictionary(tensor => tensor.Name, tensor => new ChangedTensor(new DoubleTensor(tensor.Values))) };
}
