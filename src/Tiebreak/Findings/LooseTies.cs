using Tiebreak.Formats;
using Tiebreak.Refinement;

namespace Tiebreak.Findings;

/// <summary>Two parameters that stay equal, or each other's negative.</summary>
readonly record struct LoosePair(int TensorA, int IndexA, int TensorB, int IndexB);

/// <summary>Ties among tensors that are connected by them.</summary>
/// <param name="Tensors">The tensors, ascending.</param>
/// <param name="Pairs">The pairs; of very many the first few thousand for each two tensors.</param>
/// <param name="Count">How many pairs there are (each parameter with the first of its class).</param>
sealed record LooseComponent(IReadOnlyList<int> Tensors, IReadOnlyList<LoosePair> Pairs, long Count);

/// <summary>
/// Ties that no unit and no copy explains: two scalars, W[i,j] and W[j,i] of a symmetric matrix, crossed pairs. What is left after the first
/// slice of each group, and the first tensor of each set of copies, has been taken: if a class still has several members, they are loose.
/// </summary>
sealed class LooseTies
{
    const int MostPairsEach = 1 << 12;

    /// <summary>More classes than this are counted, not looked up.</summary>
    const int MostClasses = 1 << 20;

    LooseTies(IReadOnlyList<LooseComponent> equal, IReadOnlyList<LooseComponent> negative)
    {
        Equal = equal;
        Negative = negative;
    }

    /// <summary>No ties.</summary>
    public static LooseTies None { get; } = new([], []);

    /// <summary>Pairs that stay equal.</summary>
    public IReadOnlyList<LooseComponent> Equal { get; }

    /// <summary>Pairs that stay each other's negative.</summary>
    public IReadOnlyList<LooseComponent> Negative { get; }

    /// <summary>Looks for loose ties: one pass, a second if there are any.</summary>
    /// <param name="model">The tensors.</param>
    /// <param name="partition">Their codes.</param>
    /// <param name="units">Slices that repeat others.</param>
    /// <param name="skipped">Tensors that repeat others.</param>
    /// <param name="cancellation">Stops it.</param>
    /// <param name="others">Pairs of parameters without codes, and whether they are each other's negative.</param>
    public static LooseTies Of(Model model, Partition partition, Units units, IReadOnlySet<int> skipped, CancellationToken cancellation, IReadOnlyList<(LoosePair Pair, bool Negative)>? others = null)
    {
        var seen = new ClassSet(partition.Classes);
        var several = new ClassSet(partition.Classes);
        var any = false;
        ForEachLeft(model, partition, units, skipped, (_, _, code) =>
        {
            if (seen.Add(Math.Abs(code))) return;
            several.Add(Math.Abs(code));
            any = true;
        }, cancellation);
        if (!any && others is not { Count: > 0 }) return None;

        var firsts = new Dictionary<int, (int Tensor, int Index, int Code)>();
        var equal = new Components(model.Parameters.Count);
        var negative = new Components(model.Parameters.Count);
        ForEachLeft(model, partition, units, skipped, (tensor, index, code) =>
        {
            var number = Math.Abs(code);
            if (!several.Contains(number)) return;
            if (!firsts.TryGetValue(number, out var first))
            {
                if (firsts.Count < MostClasses) firsts.Add(number, (tensor, index, code));
                return;
            }

            (first.Code == code ? equal : negative).Add(new LoosePair(first.Tensor, first.Index, tensor, index));
        }, cancellation);
        foreach (var (pair, isNegative) in others ?? []) (isNegative ? negative : equal).Add(pair);
        return new LooseTies(equal.List(), negative.List());
    }

    /// <summary>Visits each moving parameter that is not in a repeated slice or a later copy.</summary>
    static void ForEachLeft(Model model, Partition partition, Units units, IReadOnlySet<int> skipped, Action<int, int, int> visit, CancellationToken cancellation)
    {
        for (var tensor = 0; tensor < model.Parameters.Count; tensor++)
        {
            cancellation.ThrowIfCancellationRequested();
            if (skipped.Contains(tensor)) continue;
            var codes = partition.Codes[tensor];
            var shape = model.Parameters[tensor].Shape;
            var rows = units.Groupings[tensor].FirstOrDefault(grouping => grouping.Axis == 0);
            var others = units.Groupings[tensor].Where(grouping => grouping.Axis > 0).Select(grouping => (grouping, layout: new SliceLayout(shape.Sizes, grouping.Axis))).ToArray();
            var rowLength = shape.Rank == 0 || codes.Length == 0 ? codes.Length : codes.Length / shape[0];
            for (var start = 0; start < codes.Length; start += rowLength)
            {
                if (rows is not null && rows.Repeats(start / rowLength)) continue; // mostly this leaves little to look at
                for (var index = start; index < start + rowLength; index++)
                {
                    if (codes[index] == 0) continue;
                    var isLeft = true;
                    foreach (var (grouping, layout) in others) isLeft &= !grouping.Repeats(index / layout.Inner % layout.Size);
                    if (isLeft) visit(tensor, index, codes[index]);
                }
            }
        }
    }

    /// <summary>Tensors connected by pairs, as a forest of sets.</summary>
    sealed class Components(int tensors)
    {
        readonly int[] _parent = [.. Enumerable.Range(0, tensors)];
        readonly Dictionary<(int, int), (List<LoosePair> Pairs, long Count)> _pairs = [];

        public void Add(LoosePair pair)
        {
            var key = (pair.TensorA, pair.TensorB);
            var (pairs, count) = _pairs.TryGetValue(key, out var known) ? known : ([], 0);
            if (pairs.Count < MostPairsEach) pairs.Add(pair);
            _pairs[key] = (pairs, count + 1);
            _parent[Root(pair.TensorA)] = Root(pair.TensorB);
        }

        public IReadOnlyList<LooseComponent> List() =>
        [
            .. _pairs.GroupBy(pair => Root(pair.Key.Item1))
                .Select(group => new LooseComponent(
                    [.. group.SelectMany(pair => new[] { pair.Key.Item1, pair.Key.Item2 }).Distinct().Order()],
                    [.. group.SelectMany(pair => pair.Value.Pairs)],
                    group.Sum(pair => pair.Value.Count)))
                .OrderBy(component => component.Tensors[0]),
        ];

        int Root(int tensor)
        {
            while (_parent[tensor] != tensor) tensor = _parent[tensor] = _parent[_parent[tensor]];
            return tensor;
        }
    }
}
