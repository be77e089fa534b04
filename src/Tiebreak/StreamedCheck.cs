using Tiebreak.Formats;
using Tiebreak.Numbers;
using Tiebreak.Programs;
using Tiebreak.Refinement;
using Tiebreak.Refinement.Streaming;

namespace Tiebreak;

/// <summary>The analysis of models whose parameters would not fit into memory with a code each: their large matrices stream by (theory §6).</summary>
static class StreamedCheck
{
    const long BytesEach = HeldMemory.BytesEach;

    const long LeastMatrix = 1 << 12;

    /// <summary>From here on streaming is much faster, and done wherever it says as much.</summary>
    const long ManyParameters = 500_000;

    /// <summary>What is streamed from where nobody said how much memory there is.</summary>
    const long UsualMemory = 2L << 30;

    /// <summary>Numbers of a verification up to which larger sizes are looked at meanwhile: saves a twentieth of the time. Above, one after the other saves memory.</summary>
    const long MostBeside = 1 << 19;

    /// <summary>Whether a model is to be streamed: it would take more memory than allowed, and what is asked for can be told without a code for each parameter.</summary>
    public static bool IsFor(Model model, CheckOptions options, RefinementOptions refinement, out StreamedTensors tensors)
    {
        tensors = new StreamedTensors([], []);
        var named = options.Memory ?? options.HoldsUpTo;
        var memory = named ?? UsualMemory;
        var count = model.Parameters.Sum(parameter => parameter.Shape.Count);
        var mayBeHeld = count * BytesEach <= memory;
        if (mayBeHeld && (count < ManyParameters || named is not null || model.HasDropout || HasGates(model))) return false; // held, more is found
        if (options.Data is not null || options.Laws || options.Witness || options.Groups.Count > 0 || options.Tolerance is not null || refinement.Decays || refinement.InputRange is not null) return false;
        tensors = StreamedTensors.Of(model, LeastMatrix);
        var streamed = tensors.Trained.Sum(matrix => matrix.Tensor.Shape.Count);
        return streamed > (mayBeHeld ? count / 2 : 0) && (count - streamed) * BytesEach <= memory;
    }

    /// <summary>Analyses a model. Null if holding it would say more (there are ties that are not of rows and columns, or values on kinks) and the machine has the memory for that.</summary>
    /// <param name="model">At the smallest sizes.</param>
    /// <param name="larger">The same at the next larger ones, each time it is asked; null if there are none.</param>
    /// <param name="tensors">What streams.</param>
    /// <param name="options">Seeds and bounds.</param>
    /// <param name="memory">What the user allows; null if nobody said.</param>
    public static Analysis? Of(Model model, Func<Model, Model?> larger, StreamedTensors tensors, RefinementOptions options, long? memory)
    {
        const int MostEnlargements = 8;
        options.Progress?.Invoke("looking at the weights");
        var alike = Scan(tensors, options);
        StreamedMatrix[] infinite = [.. tensors.Trained.Concat(tensors.Frozen).Where(matrix => !matrix.Facts.IsFinite)];
        var streamed = tensors.Trained.Select(matrix => matrix.Tensor.Name).ToHashSet(StringComparer.Ordinal);
        if (NonFiniteValues.Among([.. model.Parameters.Where(parameter => !streamed.Contains(parameter.Name)), .. infinite.Select(matrix => matrix.Tensor)]) is { Count: > 0 } places) return new Analysis { Model = model, NonFinite = places };

        var count = model.Parameters.Sum(parameter => parameter.Shape.Count);
        var looksAtAll = count * BytesEach <= (memory ?? UsualMemory); // it is streamed to be fast, not for want of memory
        for (var enlargement = 0; ; enlargement++)
        {
            var search = new StreamedSearch(model, tensors.Trained, tensors.Frozen, options, looksAtAll);
            var again = new LargerSizes(larger, model, tensors, options);
            var result = search.Run(search.NumbersAtOnce <= MostBeside ? again.AreInvariant : null);
            if (result.State is not { } state) return new Analysis { Model = model, NonFinite = NonFiniteValues.AtStart(result.Run.SingularOrigins) };
            if ((search.MissesTies || search.MetKinks) && MayBeHeld(count, memory)) return null;
            IReadOnlyDictionary<string, int>? confirmed = null;
            var notes = new List<string>
            {
                looksAtAll ? $"{tensors.Trained.Count:N0} matrices were streamed, not held: classes of their weights are those of rows and columns, as many as there are different gradients"
                    : $"{tensors.Trained.Count:N0} matrices were streamed, not held: classes of their weights are those of rows and columns (as many as there are different gradients in a sample of each), they were not compared with the other tensors, and no relu was decided by order",
            };
            if (again.Model is { } other)
            {
                if (again.Confirm(result)) confirmed = other.Dims;
                else if (enlargement < MostEnlargements)
                {
                    model = other;
                    continue;
                }
                else
                {
                    notes.Add("the answer still changed at the next larger sizes; give those that training uses with --dim");
                }
            }

            if (search.MissesTies) notes.Add("there are ties that are not of rows and columns, which were not looked for; more memory would show them");
            if (model.HasDropout) notes.Add("ties that exist only without dropout were not looked for; --dropout off shows them, or more memory (--memory)");
            if (search.MetKinks) notes.Add("some value sits exactly on a kink; the frameworks' convention was taken there, and no other was tried");
            var (causes, patterns) = search.StuckCauses(state);
            options.Progress?.Invoke("counting");
            var kept = search.Kept.Parameters.Select((parameter, k) => (parameter.Name, k)).ToDictionary(pair => pair.Name, pair => pair.k, StringComparer.Ordinal);
            var partition = state.Kept.ToPartition();
            return new Analysis
            {
                Model = model with { Notes = [.. model.Notes, .. notes] },
                Partition = new Partition([.. model.Parameters.Select(parameter => kept.TryGetValue(parameter.Name, out var k) ? partition.Codes[k] : [])], partition.FirstSteps),
                Streamed = StreamedVerdict.Of(tensors.Trained, result, patterns, alike, options),
                Rounds = result.Run.Rounds,
                Verifications = result.Run.Verifications,
                Epsilon = result.Run.Epsilon,
                ErrorBound = result.Run.ErrorBound,
                ConfirmedDims = confirmed,
                StuckBy = [.. model.Parameters.Select(parameter => kept.TryGetValue(parameter.Name, out var k) ? causes[k] : null)],
            };
        }
    }

    /// <summary>The same model at the next larger sizes, made when first asked for.</summary>
    sealed class LargerSizes(Func<Model, Model?> larger, Model model, StreamedTensors tensors, RefinementOptions options)
    {
        readonly Lazy<(Model Model, StreamedSearch Search)?> _other = new(() => larger(model) is not { } other ? null
            : (other, new StreamedSearch(other, tensors.Trained, tensors.Frozen, options with { Progress = stage => options.Progress?.Invoke($"larger sizes: {stage}") })));

        /// <summary>Null if there are none.</summary>
        public Model? Model => _other.Value?.Model;

        /// <summary>Whether a set is seen to be invariant at them; false where there are none.</summary>
        public bool AreInvariant(StreamedState state, SliceNames names) => _other.Value?.Search.IsInvariant(state, names) ?? false;

        /// <summary>Whether what was proved holds at them, too.</summary>
        public bool Confirm(StreamedResult result) => _other.Value!.Value.Search.Confirms(result);
    }

    // Whoever names a limit wants it kept.
    static bool MayBeHeld(long parameters, long? memory) => memory is null && parameters * BytesEach <= HeldMemory.Half;

    // What order may decide, or other conventions see otherwise.
    static bool HasGates(Model model) => model.Program.Nodes.Any(node => node.Primitive is Primitive.Apply { Function.Kind: FunctionKind.Step or FunctionKind.Sign } or Primitive.Choose { Count: 1, Allowed: null });

    static AlikeAtStart[] Scan(StreamedTensors tensors, RefinementOptions options)
    {
        var alike = new AlikeAtStart[tensors.Trained.Count];
        for (var k = 0; k < alike.Length; k++)
        {
            var matrix = tensors.Trained[k];
            (matrix.Facts, var rows) = StartScan.Of(matrix, options);
            alike[k] = AlikeAtStart.Of(rows, matrix.Tensor.AxisMeanings is [AxisMeaning.Input, ..] ? StartScan.ColumnHashes(matrix, options) : null);
        }

        foreach (var matrix in tensors.Frozen) matrix.Facts = StartScan.Of(matrix, options).Facts;
        return alike;
    }
}
