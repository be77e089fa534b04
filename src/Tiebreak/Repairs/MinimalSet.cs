using Tiebreak.Formats;
using Tiebreak.Numbers;
using Tiebreak.Proofs;
using Tiebreak.Refinement;

namespace Tiebreak.Repairs;

/// <summary>
/// The fewest tensors to change that reach what changing all of them would: greedily that which gains most (two at once where none alone gains), then each is tried to be left out again. So no
/// chosen tensor is in vain; that no smaller set does it is likely, not proved.
/// </summary>
sealed class MinimalSet
{
    const int MostPairs = 200;
    const int FewestTrials = 2;

    readonly RepairState _state;
    readonly RepairSetting _setting;
    readonly IReadOnlyDictionary<int, ExactTensor> _changed;
    readonly Func<Model, bool>? _isAllowed;
    readonly Dictionary<int, HashSet<int>> _together = []; // tensors whose changes only make sense at once
    readonly Dictionary<string, Partition?> _known = new(StringComparer.Ordinal);
    int _affordable;

    MinimalSet(RepairState state, RepairSetting setting, IReadOnlyDictionary<int, ExactTensor> changed, Func<Model, bool>? isAllowed)
    {
        (_state, _setting, _changed, _isAllowed) = (state, setting, changed, isAllowed);
        _affordable = RepairSetting.Affordable(state.Model, state.Partition);
    }

    /// <summary>The tensors chosen.</summary>
    /// <param name="Tensors">Their numbers, ascending; empty if no change gains anything.</param>
    /// <param name="Partition">What they leave.</param>
    /// <param name="IsMinimal">Whether there was time to look for few; else they are all that might help.</param>
    public sealed record Choice(IReadOnlyList<int> Tensors, Partition Partition, bool IsMinimal);

    /// <summary>Searches with the most degrees of freedom that all changes together give as the goal.</summary>
    /// <param name="state">The model as it is by now.</param>
    /// <param name="setting">Options.</param>
    /// <param name="changed">New start values of all tensors that may be changed.</param>
    /// <param name="reluctant">Tensors that are changed only if the goal cannot be reached without.</param>
    /// <param name="together">Pairs of tensors of which both are changed or none.</param>
    public static Choice ToFree(RepairState state, RepairSetting setting, IReadOnlyDictionary<int, ExactTensor> changed, IReadOnlySet<int> reluctant, params IReadOnlyList<(int One, int Other)> together)
    {
        var search = new MinimalSet(state, setting, changed, isAllowed: null);
        foreach (var (one, other) in together) search.Join(one, other);
        int[] pool = [.. changed.Keys.Where(tensor => !reluctant.Contains(tensor)).Order()];
        var best = search.Try(pool);

        // Of the reluctant ones only what the others leave in lockstep or stuck can add anything.
        int[] more = best is null ? [.. changed.Keys.Order()] : [.. pool.Concat(Reinitialisation.Bound(state.Model, best).Where(tensor => reluctant.Contains(tensor) && changed.ContainsKey(tensor))).Order()];
        if (more.Length > pool.Length && search.Try(more) is { } found && (best is null || Worth(found).CompareTo(Worth(best)) > 0)) (best, pool) = (found, more);
        if (best is null || Worth(best).CompareTo(Worth(state.Partition)) <= 0) return new Choice([], state.Partition, IsMinimal: true);
        var choice = search.Greedy(pool, Worth(best)) ?? new Choice(pool, best, IsMinimal: false);
        return choice with { Tensors = search.Closed([.. choice.Tensors]) };
    }

    void Join(int one, int other)
    {
        HashSet<int> all = [one, other, .. _together.GetValueOrDefault(one) ?? [], .. _together.GetValueOrDefault(other) ?? []];
        foreach (var tensor in all) _together[tensor] = all;
    }

    int[] Closed(int[] tensors) => [.. tensors.SelectMany(tensor => _together.GetValueOrDefault(tensor) ?? [tensor]).Distinct().Order()];

    /// <summary>Searches for what leaves the fewest parameters stuck, among changes after which the model <paramref name="isAllowed"/>.</summary>
    public static Choice ToMove(RepairState state, RepairSetting setting, IReadOnlyDictionary<int, ExactTensor> changed, Func<Model, bool> isAllowed)
    {
        var search = new MinimalSet(state, setting, changed, isAllowed);
        search._affordable = Math.Max(search._affordable, FewestTrials); // a model may be large and its zero factor one of two
        return search.Greedy([.. changed.Keys.Order()], goal: null) ?? new Choice([], state.Partition, IsMinimal: false);
    }

    // Degrees of freedom count first, and of those with equally many the fewer stuck.
    static (int Classes, long Moving) Worth(Partition partition) => (partition.Classes, -partition.Stuck);

    // What moves counts first where zero factors are to be freed.
    static (int, long) Gain(Partition partition, bool toMove) => toMove ? ((int)Math.Max(int.MinValue, -partition.Stuck), partition.Classes) : Worth(partition);

    /// <summary>Null if there was no time.</summary>
    Choice? Greedy(int[] pool, (int, long)? goal)
    {
        var toMove = goal is null;
        var chosen = new List<int>();
        var best = _state.Partition;
        var enough = goal ?? (0, long.MaxValue); // nothing stuck
        bool Reaches(Partition partition) => toMove ? partition.Stuck == 0 : Gain(partition, toMove).CompareTo(enough) >= 0;
        while (!Reaches(best))
        {
            var start = best;
            int[] step = [];
            foreach (var tensor in pool.Except(chosen)) Consider([tensor]);
            if (step.Length == 0)
            {
                var left = pool.Except(chosen).ToArray();
                foreach (var pair in left.SelectMany((first, k) => left.Skip(k + 1).Select(second => new[] { first, second })).Take(MostPairs)) Consider(pair);
            }

            if (_affordable < 0) return null;
            if (step.Length == 0)
            {
                if (toMove) break;
                chosen = [.. pool]; // three or more at once: all, and then without those that are not needed
                best = Try([.. chosen])!;
                break;
            }

            chosen.AddRange(step);

            void Consider(int[] more)
            {
                if (_affordable < 0 || Try([.. chosen, .. more]) is not { } found || Gain(found, toMove).CompareTo(Gain(best, toMove)) <= 0 || Gain(found, toMove).CompareTo(Gain(start, toMove)) <= 0) return;
                (best, step) = (found, more);
            }
        }

        var worth = Gain(best, toMove);
        if (!toMove && worth.CompareTo(enough) > 0) worth = enough;
        foreach (var tensor in chosen.ToArray())
        {
            if (chosen.Count == 1 || Try([.. chosen.Where(other => other != tensor)]) is not { } without || Gain(without, toMove).CompareTo(worth) < 0) continue;
            chosen.Remove(tensor);
            best = without;
        }

        return _affordable < 0 ? null : new Choice([.. chosen.Order()], best, IsMinimal: true);
    }

    Partition? Try(int[] tensors)
    {
        tensors = Closed(tensors);
        var key = string.Join(',', tensors);
        if (_known.TryGetValue(key, out var known)) return known;
        _setting.Progress($"trying changes of {tensors.Length:N0} {(tensors.Length == 1 ? "tensor" : "tensors")}");
        _affordable--;
        var model = RepairState.With(_state.Model, tensors.ToDictionary(tensor => tensor, tensor => _changed[tensor]));
        return _known[key] = tensors.Length == 0 ? _state.Partition : _isAllowed?.Invoke(model) == false ? null : _setting.Refine(model);
    }
}
