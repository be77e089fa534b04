using Tiebreak.Formats.Tables;
using Tiebreak.Numbers;

namespace Tiebreak.Training;

/// <summary>Batches of samples, one after the other without end, in the order that was asked for.</summary>
static class Batches
{
    const long MostNumbersInMemory = 200_000_000;

    /// <summary>The batches; what one holds is good until the next.</summary>
    /// <exception cref="TiebreakException">The table is too large to be shuffled.</exception>
    public static IEnumerable<SampleBlock> Of(DataSet samples, int rowsPerBatch, TrainingOptions options) =>
        options.Order == SampleOrder.File ? InOrder(samples, rowsPerBatch, options) : Shuffled(samples, rowsPerBatch, options);

    /// <summary>The number of rows; one pass.</summary>
    public static long CountRows(DataSet samples, CancellationToken cancellation)
    {
        const int Block = 1 << 14;
        long rows = 0;
        foreach (var block in samples.Read(Block, cancellation)) rows = block.FirstRow + block.Rows;
        return rows;
    }

    static IEnumerable<SampleBlock> InOrder(DataSet samples, int rowsPerBatch, TrainingOptions options)
    {
        while (true)
            foreach (var block in samples.Read(rowsPerBatch, options.Cancellation)) yield return block;
    }

    static IEnumerable<SampleBlock> Shuffled(DataSet samples, int rowsPerBatch, TrainingOptions options)
    {
        const int Block = 1 << 12;
        var parts = new List<SampleBlock>();
        long numbers = 0;
        foreach (var block in samples.Read(Block, options.Cancellation))
        {
            numbers += block.Leaves.Values.Sum(leaf => (long)block.Rows * (leaf is IndexValues indices ? indices.Places : ((NumberValues)leaf).Widths.Sum()));
            if (numbers > MostNumbersInMemory) throw new TiebreakException($"{samples.Path}: too large to be shuffled in memory; train in the order of the file with --order file");
            parts.Add(block.Pick([.. Enumerable.Range(0, block.Rows)]));
        }

        var all = parts.Count == 1 ? parts[0] : SampleBlock.Join(parts);
        parts.Clear();
        if (rowsPerBatch >= all.Rows)
        {
            while (true) yield return all;
        }

        var order = Enumerable.Range(0, all.Rows).ToArray();
        for (ulong epoch = 0; ; epoch++)
        {
            var random = new RandomFunction(options.Seed + epoch, RandomFunction.Purpose("order of samples"));
            Array.Sort(Array.ConvertAll(order, row => random.Word((ulong)row)), order);
            for (var start = 0; start < order.Length; start += rowsPerBatch)
                yield return all.Pick(order.AsSpan(start, Math.Min(rowsPerBatch, order.Length - start)).ToArray());
        }
    }
}
