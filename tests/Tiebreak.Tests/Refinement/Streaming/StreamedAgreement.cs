using Tiebreak.Findings;
using Tiebreak.Refinement;
using Tiebreak.Refinement.Streaming;
using Xunit;

namespace Tiebreak.Tests.Refinement.Streaming;

/// <summary>Holds the streamed analysis against the one with a code for each parameter: the same partition, counts, units and findings.</summary>
static class StreamedAgreement
{
    /// <summary>Compares them for a model; tells how many matrices streamed.</summary>
    public static int Of(string path, CheckResult held, CheckOptions options)
    {
        using var file = Check.Open(path, options);
        var lowering = Check.Lowering(options);
        var refinement = Check.Refinement(options);
        var (sizes, step) = (new Sizes(file, lowering), 0);
        var model = sizes.Smallest(ref step);
        var tensors = StreamedTensors.Of(model, least: 1);
        if (tensors.Trained.Count == 0) return 0;
        if (StreamedCheck.Of(model, _ => null, tensors, refinement, memory: null) is not { } analysis) return 0; // it is held then
        var result = FindingsBuilder.Build(path, file.Format, options, analysis);
        var streamed = analysis.Streamed!;
        var search = new StreamedSearch(model, tensors.Trained, tensors.Frozen, refinement);
        Assert.True(StreamedCells.ToPartition(model, tensors.Trained, search.Run()).SameAs(held.Analysis.Partition!));
        Assert.Equal(held.Counts, result.Counts);
        Assert.Equal(held.Tensors.Select(Line), result.Tensors.Select(Line));
        Assert.Equal(held.Units.Select(Line), result.Units.Select(Line));
        // Of what rests on a kink a streamed analysis says only that some value sits on one.
        string Said(Finding finding) => $"{finding.Rule} {(held.Analysis.AtOtherKinks is null ? finding.Level : "")} {finding.Message} {finding.StuckBy}";
        Assert.Equal(held.Findings.Select(Said).Order(StringComparer.Ordinal), result.Findings.Select(Said).Order(StringComparer.Ordinal));
        return streamed.Matrices.Count;
    }

    static string Line(TensorCounts t) => $"{t.Name} {t.Parameters} {t.Classes} {t.Stuck} {t.Lockstep} {t.Mirrored} {t.FirstStepMin} {t.FirstStepMax}";

    static string Line(UnitGroups units) => $"{units.Tensor} {units.Axis} {units.Kind} {units.SlicesPerUnit} {string.Join(" | ", units.Groups.Select(group => string.Join(",", group)))}";

}
