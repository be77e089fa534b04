using System.Text.Json;
using Tiebreak.Tests.House;
using Xunit;

namespace Tiebreak.Tests.Cases;

/// <summary>The cases with a known answer beside the repository: partition, signs and first steps must be equal, class numbers too, as both count by first appearance.</summary>
public sealed class SharedCasesTests
{
    public static TheoryData<string> Names => Repository.Shared is { } shared
        ? [.. Directory.EnumerateFiles(Path.Combine(shared, "cases"), "*.onnx").Select(file => Path.GetFileNameWithoutExtension(file)).Order(StringComparer.Ordinal)]
        : ["(none)"];

    [Theory]
    [MemberData(nameof(Names))]
    public void Partition_signs_and_first_steps_are_the_known_ones(string name)
    {
        var result = Check.Model(Repository.FromShared("cases", name + ".onnx"));
        var partition = result.Analysis.Partition!;
        using var expected = JsonDocument.Parse(File.ReadAllText(Repository.FromShared("cases", name + ".partition.json")));
        var tensors = expected.RootElement.GetProperty("tensors").EnumerateArray().ToArray();
        Assert.Equal(tensors.Select(tensor => tensor.GetProperty("name").GetString()).Order(), result.Analysis.Model.Parameters.Select(parameter => parameter.Name).Order());

        // Class numbers and overall signs are a matter of numbering; compare after renumbering in the expected order.
        var classes = new Dictionary<int, int>();
        foreach (var tensor in tensors)
        {
            var index = Enumerable.Range(0, tensors.Length).Single(k => tensor.GetProperty("name").ValueEquals(result.Analysis.Model.Parameters[k].Name));
            var codes = partition.Codes[index];
            int[] Numbers(string property) => [.. tensor.GetProperty(property).EnumerateArray().Select(value => value.GetInt32())];
            int[] expectedClass = Numbers("class"), expectedSign = Numbers("sign"), expectedStep = Numbers("firstStep");
            for (var i = 0; i < codes.Length; i++)
            {
                var signed = expectedClass[i] * expectedSign[i];
                Assert.Equal(signed == 0, codes[i] == 0);
                if (signed == 0) continue;
                var known = classes.GetValueOrDefault(Math.Abs(codes[i]));
                if (known == 0) classes.Add(Math.Abs(codes[i]), known = codes[i] > 0 ? signed : -signed);
                Assert.Equal(signed, codes[i] > 0 ? known : -known);
                Assert.Equal(expectedStep[i], partition.FirstSteps[Math.Abs(codes[i])]);
            }
        }

        Assert.Equal(classes.Count, classes.Values.Select(Math.Abs).Distinct().Count());
        Assert.InRange(result.Analysis.ErrorBound, 0, 1e-18);
    }
}
