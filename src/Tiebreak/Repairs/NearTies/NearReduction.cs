using Tiebreak.Evaluation;
using Tiebreak.Formats;
using Tiebreak.Refinement;
using Tiebreak.Repairs.Merging;

namespace Tiebreak.Repairs.NearTies;

/// <summary>A model whose near ties were made exact, and what the exact reduction made of that. Holds the file of the first as long as it is wanted.</summary>
sealed class NearReduction : IDisposable
{
    readonly StagedFiles? _files;
    readonly IModelFile? _file;

    NearReduction(LargeModel snapped, SmallModel small, IReadOnlyList<NearTie> ties, StagedFiles? files, IModelFile? file) => (Snapped, Small, Ties, _files, _file) = (snapped, small, ties, files, file);

    /// <summary>The model with units made equal; the model itself if none are near.</summary>
    public LargeModel Snapped { get; }

    /// <summary>The smaller model, which computes exactly what <see cref="Snapped"/> does.</summary>
    public SmallModel Small { get; }

    /// <summary>The units that were made equal and became one, in the order of the network.</summary>
    public IReadOnlyList<NearTie> Ties { get; }

    /// <summary>Finds near ties, makes them exact, and reduces. Units that could not become one in the end keep their numbers.</summary>
    /// <param name="model">The model as it is, with its parameters at their start.</param>
    /// <param name="tolerance">The largest distance; at 0 only what is exactly equal becomes one.</param>
    /// <param name="subject">What to reduce of an opened file.</param>
    /// <param name="open">Opens a model of its kind.</param>
    /// <param name="scratch">A place for files that nobody keeps.</param>
    /// <param name="refinement">Seed, order, threads, cancellation.</param>
    public static NearReduction Of(LargeModel model, double tolerance, Func<IModelFile, LargeModel> subject, Func<string, IModelFile> open, Func<StagedFiles> scratch, RefinementOptions refinement)
    {
        var refused = new HashSet<int>();
        while (true)
        {
            refinement.Progress?.Invoke("near ties");
            (Model Model, IReadOnlyList<SnappedGroup> Groups) near = tolerance == 0 ? (model.Model, []) : Snapping.Of(model.Model, tolerance, refused, of => Merging(of, refinement), refinement.Cancellation);
            if (near.Groups.Count == 0) return new NearReduction(model, Reduction.Of(model, open, scratch, isForTraining: false, refinement), [], null, null);
            var files = scratch();
            IModelFile? file = null;
            var isKept = false;
            try
            {
                model.File.WriteChanged(files, Changes(model.Model, near.Model));
                file = open(files.StagedModel);
                var snapped = subject(file);
                ReadBack.Verify(near.Model, snapped.Model, [], refinement.Cancellation);
                var small = Reduction.Of(snapped, open, scratch, isForTraining: false, refinement);
                var apart = near.Groups.Where(group => !IsOne(group, small)).ToArray();
                isKept = apart.Length == 0;
                if (isKept) return new NearReduction(snapped, small, [.. near.Groups.Select(group => group.Tie)], files, file);
                refused.UnionWith(apart.SelectMany(group => group.Units).Select(unit => unit.Root));
            }
            finally
            {
                if (!isKept)
                {
                    file?.Dispose();
                    files.Dispose();
                }
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _file?.Dispose();
        _files?.Dispose();
    }

    static UnitMerging Merging(Model model, RefinementOptions options) =>
        UnitMerging.Find(model, Reduction.Run(model, State.AllStuck(model), 1, options), new MergingOptions(Alike: true, DropDead: true, SumsOfEqualsOnly: false, []));

    static ModelChanges Changes(Model before, Model after) => new()
    {
        Tensors = before.Parameters.Concat(before.Frozen).Zip(after.Parameters.Concat(after.Frozen)).Where(pair => !ReferenceEquals(pair.First.Start, pair.Second.Start))
            .ToDictionary(pair => pair.Second.Name, pair => new ChangedTensor(pair.Second.Start), StringComparer.Ordinal),
    };

    // At most one of the units is left. A weight that is no more, as a copy of another, has none.
    static bool IsOne(SnappedGroup group, SmallModel small)
    {
        var (at, units) = (group.Kind.Incoming[group.Kind.Main], group.Units.ToArray());
        if (!small.Plans.TryGetValue(at.Name, out var plan) || plan.Axes[at.Axis] is not { } axis) return small.Copies is not null;
        var kept = axis.Terms.SelectMany(terms => terms).Select(term => term.Place).ToHashSet();
        return units.Count(unit => kept.Contains(unit.Incoming[group.Kind.Main][0])) <= 1;
    }
}
