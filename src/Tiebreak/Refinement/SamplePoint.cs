using System.Buffers;
using Tiebreak.Evaluation;
using Tiebreak.Formats.Tables;
using Tiebreak.Numbers;
using Tiebreak.Programs;

namespace Tiebreak.Refinement;

/// <summary>
/// The samples of one block as exact constants (theory §5). Each is weighed with random adjoints of its own, so that equal sums of gradients mean equal gradients for every sample.
/// A program that takes more samples than the block has gets some of them again, with weight zero.
/// </summary>
/// <param name="block">The samples.</param>
/// <param name="rowsPerRun">How many rows make one sample of the program.</param>
/// <param name="seed">The seed of the weights.</param>
sealed class SamplePoint(SampleBlock block, int rowsPerRun, ulong seed) : IDataPoint
{
    public bool TryFill<TField>(TField field, int lane, Primitive.Data leaf, Shape shape, Span<ulong> values) where TField : struct, IField
    {
        if (leaf.Kind == DataKind.LossAdjoint)
        {
            Weigh(field, lane, leaf.Name, shape, values);
            return true;
        }

        if (!block.Leaves.TryGetValue(leaf.Name, out var given)) return false;
        var rows = shape[0] * rowsPerRun;
        var width = values.Length / rows;
        if (given is IndexValues indices) FillIndices(indices, rows, width, values);
        else FillNumbers(field, (NumberValues)given, rows, width, values);
        return true;
    }

    void Weigh<TField>(TField field, int lane, string name, Shape shape, Span<ulong> values) where TField : struct, IField
    {
        var random = new RandomFunction(seed + (ulong)lane, RandomFunction.Purpose($"weights {name}"));
        var isPattern = typeof(TField) == typeof(ZeroPattern);
        var runs = (block.Rows + rowsPerRun - 1) / rowsPerRun;
        var used = Math.Min(runs, shape[0]) * (values.Length / Math.Max(1, shape[0]));
        for (var i = 0; i < used; i++) values[i] = isPattern ? 1 : random.Below(field.Modulus, (ulong)i);
        values[used..].Clear();
    }

    void FillIndices(IndexValues indices, int rows, int width, Span<ulong> values)
    {
        values.Clear();
        for (var row = 0; row < rows; row++)
        {
            var from = row % block.Rows * indices.Places;
            for (var place = 0; place < indices.Places; place++)
                values[row * width + place * indices.Choices + indices.Indices[from + place]] = 1;
        }
    }

    void FillNumbers<TField>(TField field, NumberValues numbers, int rows, int width, Span<ulong> values) where TField : struct, IField
    {
        var offset = 0;
        for (var column = 0; column < numbers.Columns.Count; column++)
        {
            var wide = numbers.Widths[column];
            var images = ArrayPool<ulong>.Shared.Rent(block.Rows * wide);
            ExactImages.Fill(field, numbers.Columns[column], 0, images.AsSpan(0, block.Rows * wide));
            for (var row = 0; row < rows; row++)
                images.AsSpan(row % block.Rows * wide, wide).CopyTo(values.Slice(row * width + offset, wide));
            ArrayPool<ulong>.Shared.Return(images);
            offset += wide;
        }
    }
}

/// <summary>What a refinement takes samples from, as often as it wants.</summary>
/// <param name="Blocks">The samples; what a block holds is good until the next one.</param>
/// <param name="RowsPerRun">How many rows make one sample of the program.</param>
sealed record Samples(IEnumerable<SampleBlock> Blocks, int RowsPerRun);

/// <summary>Gradients summed over several evaluations at one point.</summary>
sealed class GradientSums<TField>(TField[] fields) where TField : struct, IField
{
    readonly Dictionary<string, ulong[][]> _sums = new(StringComparer.Ordinal);

    public void Add(string name, int lane, long start, ReadOnlySpan<ulong> gradients, long count)
    {
        if (!_sums.TryGetValue(name, out var lanes)) _sums.Add(name, lanes = [.. fields.Select(_ => new ulong[count])]);
        var sum = lanes[lane].AsSpan((int)start, gradients.Length);
        for (var i = 0; i < sum.Length; i++) sum[i] = fields[lane].Add(sum[i], gradients[i]);
    }

    public void Hand(FieldEvaluator<TField>.OutputReader output)
    {
        foreach (var (name, lanes) in _sums)
            for (var lane = 0; lane < lanes.Length; lane++) output(name, lane, 0, lanes[lane]);
    }
}
