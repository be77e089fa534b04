using Xunit;

namespace Tiebreak.Tests.Formats.Families;

/// <summary>What a check said of a toy checkpoint: which numbers never move, and which stay equal for ever.</summary>
sealed class FamilyOutcome
{
    readonly CheckResult _result;
    readonly Dictionary<string, int[]> _codes;

    public FamilyOutcome(string path, CheckOptions? options = null)
    {
        _result = Check.Model(path, options ?? new CheckOptions { Seed = 1 });
        if (!_result.Analysis.Model.HasDropout) StreamedMatrices = Refinement.Streaming.StreamedAgreement.Of(path, _result, options ?? new CheckOptions { Seed = 1 });
        _codes = Enumerable.Range(0, _result.Tensors.Count).ToDictionary(k => _result.Tensors[k].Name, k => _result.Analysis.Partition!.Codes[k]);
    }

    public CheckResult Result => _result;

    /// <summary>How many matrices streamed when that way was compared, as it always is but under dropout.</summary>
    public int StreamedMatrices { get; }

    /// <summary>The numbers that never move, as `tensor[first..last]` runs of row-major places.</summary>
    public IEnumerable<string> Stuck => _codes.SelectMany(tensor => Runs(tensor.Value, code => code == 0).Select(run => $"{tensor.Key}[{run}]")).Order(StringComparer.Ordinal);

    /// <summary>The sets of more than one number that stay equal or opposite, each as its places, in order.</summary>
    public IEnumerable<string> Tied => _codes
        .SelectMany(tensor => tensor.Value.Select((code, k) => (Class: Math.Abs(code), Place: $"{tensor.Key}[{k}]{(code < 0 ? "-" : "")}")))
        .Where(entry => entry.Class != 0).GroupBy(entry => entry.Class).Where(set => set.Count() > 1)
        .Select(set => string.Join(" ", set.Select(entry => entry.Place)));

    /// <summary>Exactly these numbers never move.</summary>
    public void OnlyStuck(params string[] runs) => Assert.Equal(runs.Order(StringComparer.Ordinal), Stuck);

    /// <summary>Exactly these pairs stay equal: each given as (tensor, places of one, places of the other).</summary>
    public void OnlyTied(params (string Tensor, int[] One, int[] Other)[] pairs) =>
        Assert.Equal(pairs.SelectMany(pair => pair.One.Zip(pair.Other, (a, b) => $"{pair.Tensor}[{Math.Min(a, b)}] {pair.Tensor}[{Math.Max(a, b)}]")).Order(StringComparer.Ordinal), Tied.Order(StringComparer.Ordinal));

    /// <summary>Places of a slice of a tensor of the given sizes along an axis.</summary>
    public static int[] Slice(int[] sizes, int axis, int first, int count = 1)
    {
        var inner = sizes.Skip(axis + 1).Aggregate(1, (product, size) => product * size);
        return [.. Enumerable.Range(0, sizes.Aggregate(1, (product, size) => product * size)).Where(k => k / inner % sizes[axis] is var at && at >= first && at < first + count)];
    }

    static IEnumerable<string> Runs(int[] codes, Func<int, bool> wanted)
    {
        for (var k = 0; k < codes.Length; k++)
        {
            if (!wanted(codes[k])) continue;
            var first = k;
            while (k + 1 < codes.Length && wanted(codes[k + 1])) k++;
            yield return $"{first}..{k}";
        }
    }
}
