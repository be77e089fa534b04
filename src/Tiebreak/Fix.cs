using Tiebreak.Findings;
using Tiebreak.Formats;
using Tiebreak.Numbers;
using Tiebreak.Refinement;
using Tiebreak.Repairs;

namespace Tiebreak;

/// <summary>The door to repairs: a copy of a model whose start values training can pull apart and move.</summary>
public static class Fix
{
    /// <summary>Checks a model, repairs it, writes the repaired one, checks that as it reads from its file, and only then puts it into its place.</summary>
    /// <param name="path">A formula (<c>.tb</c>), an ONNX file (<c>.onnx</c>), or a checkpoint: its folder or <c>.safetensors</c> file.</param>
    /// <param name="output">The new model, of the same kind: a file, or of a folder a folder.</param>
    /// <param name="options">How to repair; null for the defaults.</param>
    /// <exception cref="TiebreakException">The model cannot be read, holds NaN or infinity, or the new one cannot be written there: what, where and what to do. There is no new file then.</exception>
    /// <exception cref="OperationCanceledException">Cancelled through the options; there is no new file then.</exception>
    public static FixResult Model(string path, string output, FixOptions? options = null)
    {
        options ??= new FixOptions();
        var check = options.Check;
        if (check.Data is not null) throw new TiebreakException("a repair is for any data; leave out `--data`");
        if (!double.IsFinite(options.Scale) || options.Scale <= 0) throw new TiebreakException($"the scale of noise is a number above 0, not {options.Scale}");
        using var file = Check.Open(path, check);
        StagedFiles.Refuse(output, [file.Whole, .. file.Files], options.Force); // found out now rather than after a long analysis
        var before = Check.Of(file, path, check, advises: false);
        if (before.Analysis.Partition is not { } partition)
            throw new TiebreakException($"{path}: {before.Analysis.NonFinite.Select(place => place.Message).FirstOrDefault() ?? "its start makes NaN or infinity"}, so there is nothing to tell apart; repair that first (`tiebreak check` says more)");

        var setting = new RepairSetting(options, Check.Refinement(check), file.StoredAs);
        var original = before.Analysis.Model;
        var state = new RepairState(original, partition);
        var needed = before.Findings.Any(finding => finding.Rule is "TB001" or "TB002" or "TB003" or "TB007");
        if (needed && state.HasBound)
            foreach (var method in RepairMethods.Of(options.Method)) state = method.Apply(state, setting);
        IReadOnlyList<string> dropped = [], kept = [];
        if (options.DropRedundant) (state, dropped, kept) = RedundantBiases.Drop(state, setting, Inference(file, before.Analysis));

        setting.Progress("writing");
        using var files = StagedFiles.For(output, [file.Whole, .. file.Files], options.Force, check.Cancellation);
        file.WriteChanged(files, Changes(original, state.Model, dropped));
        CheckResult after;
        using (var staged = Check.Wrapped(ModelFile.Open(files), files.StagedModel, check))
        {
            after = Check.Of(staged, output, check, advises: false);
            ReadBack.Verify(state.Model, after.Analysis.Model, dropped, check.Cancellation);
        }

        var result = new FixResult
        {
            Path = path,
            Output = output,
            Options = options,
            Before = before,
            After = after,
            Repairs = state.Repairs,
            Function = FunctionChange.Between(original, state.Model, setting.Refinement),
            Unrepaired = LeftOver.Of(after, options, dropped, kept),
            Notes = [.. state.Notes, .. files.Notes],
        };
        check.Cancellation.ThrowIfCancellationRequested();
        files.Keep();
        return result;
    }

    static ModelChanges Changes(Model before, Model after, IReadOnlyList<string> dropped) => new()
    {
        Dropped = dropped.ToHashSet(StringComparer.Ordinal),
        Tensors = before.Parameters.Zip(after.Parameters).Where(pair => !ReferenceEquals(pair.First.Start, pair.Second.Start) && !dropped.Contains(pair.First.Name, StringComparer.Ordinal))
            .ToDictionary(pair => pair.First.Name, pair => new ChangedTensor(pair.Second.Start), StringComparer.Ordinal),
    };

    // A bias that a batch's own mean takes away is one that the running mean may have been measured with.
    static Model? Inference(IModelFile file, Analysis analysis)
    {
        if (!analysis.Model.HasBatchNorm) return analysis.Model;
        try
        {
            return Ways.Lower(file, analysis.Lowering with { BatchNormTraining = false, Dims = analysis.Model.Dims }, analysis.Model.Ways);
        }
        catch (TiebreakException)
        {
            return null;
        }
    }
}
