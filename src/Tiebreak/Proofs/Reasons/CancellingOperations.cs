using Tiebreak.Formats;
using Tiebreak.Gradients;
using Tiebreak.Programs;
using Tiebreak.Refinement;

namespace Tiebreak.Proofs.Reasons;

/// <summary>For tensors that are stuck because terms cancel, the kind of operation that makes them cancel: one evaluation for all of them.</summary>
static class CancellingOperations
{
    const long MostValues = 1 << 24; // 128 MiB; larger models get the general sentence
    const int MostTensors = 256;

    /// <summary>One entry a tensor; null where nothing cancels, or nobody can say by what.</summary>
    /// <param name="model">The model.</param>
    /// <param name="partition">Its smallest invariant set.</param>
    /// <param name="stuckBy">For each tensor, for each parameter, why it is stuck.</param>
    /// <param name="options">Seed, kinks, cancellation.</param>
    public static IReadOnlyList<string?> Of(Model model, Partition partition, IReadOnlyList<StuckCause[]?> stuckBy, RefinementOptions options)
    {
        var cancelled = Enumerable.Range(0, stuckBy.Count).Where(tensor => stuckBy[tensor]?.AsSpan().Contains(StuckCause.Cancellation) == true).ToArray();
        if (cancelled.Length is 0 or > MostTensors) return [];
        var (program, adjoints) = Gradient.WithAdjoints(model.Program, model.OutputIsLoss, model.Parameters.Select(parameter => parameter.Name).ToHashSet(StringComparer.Ordinal));
        var names = cancelled.Select(tensor => model.Parameters[tensor].Name).ToHashSet(StringComparer.Ordinal);
        Node[] roots = [.. program.Outputs.Where(output => names.Contains(output.Name)).Select(output => output.Node)];
        if (PointValues.Size(program, roots) > MostValues) return [];
        options.Progress?.Invoke("causes");
        var values = PointValues.At(program, roots, State.Of(model, partition), options);
        var kinds = new string?[model.Parameters.Count];
        foreach (var tensor in cancelled)
        {
            options.Cancellation.ThrowIfCancellationRequested();
            if (Cancellation.Find(model.Program, adjoints, model.Parameters[tensor].Name, values) is not { } where) continue;
            string[] senders = [.. where.Readers.Select(Kind).OfType<string>().Distinct(StringComparer.Ordinal)];
            if (senders.Length == 1) kinds[tensor] = senders[0];
        }

        return kinds;
    }

    // `node NAME (Softmax)` is a Softmax, `softmax in line 8` a softmax.
    static string? Kind(Node node) => node.Origin switch
    {
        { } origin when origin.StartsWith("node ", StringComparison.Ordinal) && origin.LastIndexOf(" (", StringComparison.Ordinal) is var open and > 0 => origin[(open + 2)..^1],
        { } origin when origin.IndexOf(" in line ", StringComparison.Ordinal) is var end and > 0 => origin[..end],
        _ => null,
    };
}
