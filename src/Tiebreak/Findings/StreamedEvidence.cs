using Tiebreak.Formats;
using Tiebreak.Refinement;
using Tiebreak.Refinement.Streaming;

namespace Tiebreak.Findings;

/// <summary>What a streamed analysis says of tensors that have no codes, in the words that rules understand.</summary>
sealed class StreamedEvidence
{
    readonly Model _model;
    readonly StreamedVerdict _verdict;
    readonly Dictionary<int, int> _matrixOf = []; // tensor → number among the streamed
    readonly int[] _tensors;

    public StreamedEvidence(Model model, StreamedVerdict verdict)
    {
        (_model, _verdict) = (model, verdict);
        var index = Enumerable.Range(0, model.Parameters.Count).ToDictionary(tensor => model.Parameters[tensor].Name, StringComparer.Ordinal);
        _tensors = [.. verdict.Matrices.Select(matrix => index[matrix.Tensor.Name])];
        for (var k = 0; k < _tensors.Length; k++) _matrixOf.Add(_tensors[k], k);
        Copies = [.. verdict.Copies.Select(set => set.Select(k => _tensors[k]).ToArray())];
        Pairs = [.. verdict.Counts.Pairs.Select(pair => (new LoosePair(_tensors[pair.First.Matrix], Place(pair.First), _tensors[pair.Second.Matrix], Place(pair.Second)), pair.Negative))];
    }

    /// <summary>Sets of tensors that stay copies.</summary>
    public IReadOnlyList<int[]> Copies { get; }

    /// <summary>Ties that no slice and no copy explains.</summary>
    public IReadOnlyList<(LoosePair Pair, bool Negative)> Pairs { get; }

    /// <summary>Whether a tensor streamed.</summary>
    public bool Has(int tensor) => _matrixOf.ContainsKey(tensor);

    /// <summary>How many weights of a tensor are stuck by cancellation.</summary>
    public long Cancelled(int tensor) => _matrixOf.TryGetValue(tensor, out var k) ? _verdict.Counts.Each[k].Cancelled : 0;

    /// <summary>The counts of tensors with codes, and of all.</summary>
    public VerdictCounter With(VerdictCounter kept, Partition partition)
    {
        TensorCounts[] tensors = [.. kept.Tensors];
        SortedDictionary<int, long>[] starts = [.. kept.Starts];
        foreach (var (tensor, k) in _matrixOf)
        {
            var own = _verdict.Counts.Each[k];
            starts[tensor] = own.Starts;
            var (min, max) = own.Starts.Count == 0 ? (0, 0) : (own.Starts.Keys.First(), own.Starts.Keys.Last());
            var shape = _model.Parameters[tensor].Shape;
            tensors[tensor] = new TensorCounts(_model.Parameters[tensor].Name, [.. shape.Sizes], shape.Count, own.Classes, own.Stuck, own.Lockstep, own.Mirrored, min, max);
        }

        var all = new VerdictCounts(
            tensors.Sum(t => t.Parameters), partition.Classes + _verdict.Counts.Classes, tensors.Sum(t => t.Stuck), tensors.Sum(t => t.Lockstep), tensors.Sum(t => t.Mirrored),
            tensors.Length == 0 ? 0 : tensors.Max(t => t.FirstStepMax));
        return new VerdictCounter(all, tensors, starts);
    }

    /// <summary>The units of tensors with codes, and of all.</summary>
    public Units With(Units kept)
    {
        IReadOnlyList<SliceGrouping>[] groupings = [.. kept.Groupings];
        foreach (var (tensor, k) in _matrixOf)
        {
            var found = new List<SliceGrouping>();
            for (var axis = 0; axis < 2; axis++)
            {
                var tied = axis == 0 ? _verdict.Rows[k] : _verdict.Columns[k];
                if (tied.Count == 0) continue;
                var groupOf = new int[_model.Parameters[tensor].Shape[axis]];
                Array.Fill(groupOf, -1);
                for (var group = 0; group < tied.Count; group++)
                    foreach (var member in tied[group].Members) groupOf[member] = group;
                found.Add(new SliceGrouping(axis, groupOf, [.. tied.Select(group => new SliceGroup(group.Members, group.Negated, group.HasStuck))]));
            }

            groupings[tensor] = found;
        }

        return new Units(_model.Parameters, groupings);
    }

    /// <summary>The groups of units of a tensor that are equal now and not all tied to each other; null if the tensor has codes.</summary>
    public IReadOnlyList<int[]>? EqualButFree(int tensor, Units units)
    {
        if (!_matrixOf.TryGetValue(tensor, out var k)) return null;
        var grouping = units.Groupings[tensor].FirstOrDefault(grouping => grouping.Axis == units.OwnAxis(tensor));
        var free = new List<int[]>();
        foreach (var members in _verdict.EqualNow[k])
        {
            var group = grouping?.GroupOf[members[0]] ?? -1;
            if (group < 0 || members.Any(member => grouping!.GroupOf[member] != group)) free.Add([.. members]);
        }

        free.Sort((one, other) => one[0].CompareTo(other[0]));
        return free;
    }

    /// <summary>Sets of whole tensors that are equal now and do not all stay copies.</summary>
    public IEnumerable<int[]> EqualButFreeTensors(CopySets copies)
    {
        foreach (var set in _verdict.EqualMatrices)
        {
            int[] tensors = [.. set.Select(k => _tensors[k]).Where(tensor => _verdict.Counts.Each[_matrixOf[tensor]].Stuck < _model.Parameters[tensor].Shape.Count)];
            if (tensors.Length > 1 && tensors.Count(tensor => !copies.Later.Contains(tensor)) > 1) yield return tensors;
        }
    }

    int Place(Cell cell) => checked(cell.Row * _verdict.Matrices[cell.Matrix].Columns + cell.Column);
}
