using Tiebreak.Evaluation;
using Tiebreak.Formats.Tables;
using Tiebreak.Numbers;
using Tiebreak.Programs;
using Tiebreak.Refinement;

namespace Tiebreak.Proofs;

/// <summary>Random samples of a table, for training runs on a program of one sample (with its leading axis of size 1).</summary>
/// <param name="blocks">The samples to draw from: those that decide the answer.</param>
/// <param name="rowsPerRun">How many rows make one sample of the program.</param>
/// <param name="again">Finds the answer for the table once more, from another seed.</param>
sealed class TableDraw(IReadOnlyList<SampleBlock> blocks, int rowsPerRun, Func<ulong, Partition?> again)
{
    (ulong Seed, SampleBlock Block)? _last;

    /// <summary>The smallest invariant set for the table, from another seed.</summary>
    public Partition? FindAgain(ulong seed) => again(seed);

    /// <summary>The sample of a seed as exact numbers, with random weights for what the loss sends back.</summary>
    public IDataPoint Exact(ulong seed) => new SamplePoint(Sample(seed), rowsPerRun, seed);

    /// <summary>The sample of a seed in float64; null for a leaf that the table does not supply.</summary>
    public double[]? Floats(Primitive.Data leaf, Shape shape, ulong seed) => Sample(seed).Floats(leaf.Name, shape, 0, rowsPerRun);

    SampleBlock Sample(ulong seed)
    {
        if (_last is { } last && last.Seed == seed) return last.Block;
        var random = new RandomFunction(seed, RandomFunction.Purpose("sample"));
        var block = blocks[(int)random.Below((ulong)blocks.Count, 0)];
        var sample = block.Pick([.. Enumerable.Range(0, rowsPerRun).Select(row => (int)random.Below((ulong)block.Rows, 1 + (ulong)row))]);
        _last = (seed, sample);
        return sample;
    }
}
