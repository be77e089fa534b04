using Tiebreak.Findings.Rules;
using Tiebreak.Refinement;

namespace Tiebreak.Findings;

/// <summary>Parameters in groups: in lockstep by the model, in lockstep by the data given only, free; and stuck by either.</summary>
/// <param name="ByModel">In lockstep whatever the data.</param>
/// <param name="ByData">In lockstep with more, or at all, only because of the data.</param>
/// <param name="Free">Moving, alone in their class.</param>
/// <param name="StuckByModel">Stuck whatever the data.</param>
/// <param name="StuckByData">Stuck only because of the data.</param>
public sealed record DataPattern(long ByModel, long ByData, long Free, long StuckByModel, long StuckByData)
{
    /// <summary>The groups of parameters that stay equal by the model, each as names; a minus marks a mirrored one.</summary>
    public IReadOnlyList<IReadOnlyList<string>> ModelGroups { get; private init; } = [];

    /// <summary>The groups that only the data keep equal.</summary>
    public IReadOnlyList<IReadOnlyList<string>> DataGroups { get; private init; } = [];

    /// <summary>The parameters that are alone.</summary>
    public IReadOnlyList<string> Alone { get; private init; } = [];

    /// <summary>Counts the groups; names them where there are few parameters.</summary>
    /// <exception cref="ArgumentException">The analysis is of no table, or has no verdict.</exception>
    public static DataPattern Of(Analysis analysis)
    {
        const long MostNamed = 512;
        if (analysis is not { Data.Any.Partition: { } any, Partition: { } partition }) throw new ArgumentException("there is no table to speak of");
        var byData = LockstepByData.ByData(partition, any);
        var isByData = new HashSet<int>(byData.Select(members => Math.Abs(members[0].Code)));
        var sizes = new long[partition.Classes + 1];
        foreach (var codes in partition.Codes)
            foreach (var code in codes) sizes[Math.Abs(code)]++;
        var pattern = new DataPattern(
            Enumerable.Range(1, partition.Classes).Where(number => sizes[number] > 1 && !isByData.Contains(number)).Sum(number => sizes[number]),
            isByData.Sum(number => sizes[number]),
            sizes.Skip(1).Count(size => size == 1),
            any.Stuck,
            partition.Stuck - any.Stuck);
        if (analysis.Model.Parameters.Sum(parameter => parameter.Shape.Count) > MostNamed) return pattern;

        var groups = Enumerable.Range(0, partition.Codes.Count)
            .SelectMany(tensor => partition.Codes[tensor].Select((code, index) => (Code: code, Name: Phrases.Element(analysis.Model.Parameters[tensor], index).Trim('`'))))
            .Where(member => member.Code != 0).GroupBy(member => Math.Abs(member.Code)).ToArray();
        IReadOnlyList<IReadOnlyList<string>> Names(Func<int, bool> wanted) =>
            [.. groups.Where(group => sizes[group.Key] > 1 && wanted(group.Key)).Select(group => (IReadOnlyList<string>)[.. group.Select(member => member.Code < 0 ? $"-{member.Name}" : member.Name)])];
        return pattern with
        {
            ModelGroups = Names(number => !isByData.Contains(number)),
            DataGroups = Names(isByData.Contains),
            Alone = [.. groups.Where(group => sizes[group.Key] == 1).Select(group => group.First().Name)],
        };
    }

    /// <summary>The name of the column that supplies an element of a data leaf.</summary>
    public static string Name(DataVerdict data, ColumnElement element) => DataPhrases.Name(data, element);
}
