using Tiebreak.Formats;
using Tiebreak.Formats.Tables;
using Tiebreak.Programs;

namespace Tiebreak.Refinement;

/// <summary>
/// The smallest invariant set when a table is all the data there is (theory §5). More samples can only make the set larger, so it is sought for a few of them first; then one
/// pass over the whole table either verifies it, sample by sample, or finds samples that contradict it, which join the few. A clean pass is the proof. What is held in memory is a
/// block of rows and the few samples that mattered.
/// </summary>
sealed class SetOnData
{
    const int MostRunsPerBlock = 4096;
    const long MostNumbersPerNode = 1 << 21;
    const int MostPasses = 64;

    readonly DataSet _samples;
    readonly RefinementOptions _options;
    readonly Model _model;
    readonly int _rowsPerBlock;
    readonly List<SampleBlock> _kept = [];

    /// <summary>Prepares the model of many samples.</summary>
    /// <param name="one">The model of one run.</param>
    /// <param name="samples">The samples.</param>
    /// <param name="options">Seeds and bounds.</param>
    /// <param name="mostRuns">How many runs a block may hold.</param>
    public SetOnData(Model one, DataSet samples, RefinementOptions options, int mostRuns = MostRunsPerBlock)
    {
        (_samples, _options) = (samples, options);
        var widest = one.Program.Nodes.Where(node => node.Primitive is not (Primitive.Parameter or Primitive.Constant)).Max(node => node.Shape.Count);
        var runs = (int)Math.Clamp(MostNumbersPerNode / Math.Max(1, widest), 1, mostRuns);
        var first = samples.Read(runs * samples.RowsPerRun, options.Cancellation).First();
        runs = Math.Min(runs, (first.Rows + samples.RowsPerRun - 1) / samples.RowsPerRun);
        _rowsPerBlock = runs * samples.RowsPerRun;
        _model = one with { Program = ManySamples.Of(one.Program, runs) };
        _kept.Add(first.Pick([.. Enumerable.Range(0, Math.Min(first.Rows, _rowsPerBlock))]));
    }

    /// <summary>What was seen in the columns; complete after <see cref="Find"/>.</summary>
    public ColumnWatch Columns { get; private set; } = new();

    /// <summary>How many rows the table has; known after <see cref="Find"/>.</summary>
    public long Rows { get; private set; }

    /// <summary>The samples that decide: the set they leave is that of all.</summary>
    public Samples Kept => new(Blocks(_kept), _samples.RowsPerRun);

    /// <summary>The model of as many samples as a block holds.</summary>
    public Model Model => _model;

    /// <summary>Finds the set and verifies it on every sample.</summary>
    public RefinementResult Find()
    {
        var result = SmallestInvariantSet.Find(_model, _options, within: null, Kept);
        using var search = new SmallestInvariantSet.Search(_model, _options, samples: new Samples(All(), _samples.RowsPerRun));
        for (var pass = 1; result.Partition is not null; pass++)
        {
            if (pass > MostPasses) throw new InvalidOperationException("pass after pass over the table contradicted the refinement; please report this model");
            if (Pass(search, pass, ref result)) continue;
            if (result.Partition is { } found && found.FirstSteps.Max() > 1 && !search.FirstStepsHold(found))
                result = SmallestInvariantSet.Find(_model, _options, within: null, new Samples(All(), _samples.RowsPerRun)); // every round a pass
            break;
        }

        return result;
    }

    /// <summary>
    /// Of the rows at which columns first differ, the last few that matter: where the samples before them leave fewer than <paramref name="classes"/> degrees of freedom.
    /// </summary>
    public IReadOnlyList<TieBreakingRow> Breaks(int classes)
    {
        const int MostTried = 3;
        var breaks = new List<TieBreakingRow>();
        foreach (var split in Columns.Splits.OrderByDescending(split => split.Row).DistinctBy(split => split.Row).Take(MostTried))
        {
            SampleBlock[] before = [.. _kept.Where(block => block.FirstRow < split.Row).Select(block => block.Pick([.. Enumerable.Range(0, (int)Math.Min(block.Rows, split.Row - block.FirstRow))]))];
            if (before.Length == 0) continue;
            var result = SmallestInvariantSet.Find(_model, _options, within: null, new Samples(before, _samples.RowsPerRun));
            if (result.Partition is { } partition && partition.Classes < classes) breaks.Add(new TieBreakingRow(split, partition.Classes));
        }

        return breaks;
    }

    /// <summary>What one changed cell, in one sample more, would set free: tried for columns that are equal, constant or zero, and for rows that no sample picks.</summary>
    public IReadOnlyList<DataChange> Changes(int classes)
    {
        const int MostTried = 12;
        var candidates = Columns.Equal.Where(group => !Columns.Zero.Contains(group[0])).SelectMany(group => group.Skip(1)).Concat(Columns.Constant).Concat(Columns.Zero)
            .DistinctBy(element => (element.Leaf, element.Index)).Select(element => (Element: element, Row: (int?)null))
            .Concat(Columns.Picked.SelectMany(leaf => Enumerable.Range(0, leaf.Value.Length).Where(row => !leaf.Value[row]).Take(1).Select(row => (new ColumnElement(leaf.Key, 0, false), (int?)row))));
        var changes = new List<DataChange>();
        foreach (var (element, row) in candidates.Take(MostTried))
        {
            var one = _kept[0].Pick([.. Enumerable.Range(0, Math.Min(_samples.RowsPerRun, _kept[0].Rows))]);
            var changed = new SampleBlock
            {
                FirstRow = one.FirstRow,
                Rows = one.Rows,
                Leaves = one.Leaves.ToDictionary(leaf => leaf.Key, leaf => leaf.Key == element.Leaf ? leaf.Value.Change(element.Index, row) : leaf.Value, StringComparer.Ordinal),
            };
            var result = SmallestInvariantSet.Find(_model, _options, within: null, new Samples([.. Blocks(_kept), changed], _samples.RowsPerRun));
            if (result.Partition is { } partition && partition.Classes > classes) changes.Add(new DataChange(element, row, partition.Classes));
        }

        return [.. changes.OrderByDescending(change => change.DegreesOfFreedom)];
    }

    // Whether some sample contradicted what was found so far.
    bool Pass(SmallestInvariantSet.Search search, int pass, ref RefinementResult result)
    {
        var isWatching = pass == 1;
        var contradicted = false;
        var verifications = search.Bound.Verifications(result.Rounds, _options.ErrorBound);
        var seeds = Enumerable.Range(1, verifications).Select(number => search.SeedOf($"pass {pass}", 0, number)).ToArray();
        var primes = Array.ConvertAll(seeds, search.DrawPrimes);
        var state = State.Of(_model, result.Partition!);
        foreach (var block in All())
        {
            _options.Cancellation.ThrowIfCancellationRequested();
            if (isWatching)
            {
                Columns.Watch(block, _samples.RowsPerRun);
                Rows = block.FirstRow + block.Rows;
            }

            _options.Progress?.Invoke($"pass {pass}: row {block.FirstRow + block.Rows:N0}");
            for (var number = 0; number < verifications; number++)
            {
                var seed = seeds[number] + ((ulong)block.FirstRow << 8);
                while (result.Partition is not null && search.Contradicts(state, primes[number], seed, block, _samples.RowsPerRun))
                {
                    contradicted = true;
                    Keep(search, state, primes[number], seed, block);
                    result = SmallestInvariantSet.Find(_model, _options, within: null, Kept);
                    if (result.Partition is not { } partition) return true;
                    state = State.Of(_model, partition);
                }
            }
        }

        return contradicted;
    }

    // The first run in the block that contradicts, found by halving.
    void Keep(SmallestInvariantSet.Search search, State state, Numbers.PrimeField[] primes, ulong seed, SampleBlock block)
    {
        var per = _samples.RowsPerRun;
        int from = 0, to = (block.Rows + per - 1) / per;
        while (to - from > 1)
        {
            var middle = (from + to) / 2;
            if (search.Contradicts(state, primes, seed, Part(from, middle), per)) to = middle;
            else from = middle;
        }

        // Halving is by other weights than the whole: should chance have hidden the culprit, the whole block is kept.
        var culprit = Part(from, to);
        _kept.Add(search.Contradicts(state, primes, seed, culprit, per) ? culprit : Part(0, (block.Rows + per - 1) / per));

        SampleBlock Part(int first, int end) => block.Pick([.. Enumerable.Range(first * per, Math.Min(end * per, block.Rows) - first * per)]);
    }

    // Of programs that take several rows each run takes random ones of its block, so that batches mix.
    IEnumerable<SampleBlock> All()
    {
        foreach (var block in _samples.Read(_rowsPerBlock, _options.Cancellation))
        {
            if (_samples.RowsPerRun == 1)
            {
                yield return block;
                continue;
            }

            var order = Enumerable.Range(0, block.Rows).ToArray();
            var random = new Numbers.RandomFunction(_options.Seed, Numbers.RandomFunction.Purpose("order of rows"));
            Array.Sort(Array.ConvertAll(order, row => random.Word((ulong)(block.FirstRow + row))), order);
            var mixed = block.Pick(order);
            yield return new SampleBlock { FirstRow = block.FirstRow, Rows = mixed.Rows, Leaves = mixed.Leaves };
        }
    }

    // The kept samples, packed into as few blocks as hold them.
    List<SampleBlock> Blocks(List<SampleBlock> kept)
    {
        if (kept.Count == 1) return kept;
        var blocks = new List<SampleBlock> { kept[0] };
        var open = new List<SampleBlock>();
        var rows = 0;
        foreach (var block in kept.Skip(1))
        {
            if (open.Count > 0 && rows + block.Rows > _rowsPerBlock)
            {
                blocks.Add(SampleBlock.Join(open));
                open.Clear();
                rows = 0;
            }

            open.Add(block);
            rows += block.Rows;
        }

        if (open.Count > 0) blocks.Add(SampleBlock.Join(open));
        return blocks;
    }
}
