namespace Tiebreak.Numbers.Kernels;

/// <summary>Sums of products in a field: every matrix product, convolution and inner product of a program.</summary>
public static unsafe class Contractions
{
    static readonly Lazy<IContraction> Chosen = new(() => Choose(Environment.GetEnvironmentVariable("TIEBREAK_KERNEL")));

    /// <summary>What this machine can run, slowest first. A new kernel is one entry here, and every test of kernels runs it.</summary>
    public static IReadOnlyList<IContraction> Available { get; } =
        new IContraction[] { new ScalarContraction(), new PortableContraction(), new Avx2Contraction(), new Avx512Contraction() }.Where(contraction => contraction.IsSupported).ToArray();

    /// <summary>What <see cref="Multiply{TField}(TField, ulong*, ReadOnlySpan{int}, ReadOnlySpan{int}, ulong*, ReadOnlySpan{int}, ReadOnlySpan{int}, ulong*, ReadOnlySpan{int}, ReadOnlySpan{int}, int)"/> uses: the fastest, or what <c>TIEBREAK_KERNEL</c> names.</summary>
    /// <exception cref="TiebreakException"><c>TIEBREAK_KERNEL</c> names none that this machine can run.</exception>
    public static IContraction Best => Chosen.Value;

    /// <summary>
    /// output[outRows[m] + outColumns[n]] = Σₖ left[leftRows[m] + leftDepth[k]] · right[rightColumns[n] + rightDepth[k]] for all m and n. Offsets are in
    /// elements, may repeat and be negative; outputs are overwritten, must not overlap the operands and each may be written once only. Operands are canonical.
    /// </summary>
    /// <param name="field">The field.</param>
    /// <param name="left">Where the offsets of the left operand count from.</param>
    /// <param name="leftRows">M offsets.</param>
    /// <param name="leftDepth">K offsets.</param>
    /// <param name="right">Where the offsets of the right operand count from.</param>
    /// <param name="rightColumns">N offsets.</param>
    /// <param name="rightDepth">K offsets.</param>
    /// <param name="output">Where the offsets of the output count from.</param>
    /// <param name="outRows">M offsets.</param>
    /// <param name="outColumns">N offsets.</param>
    /// <param name="threads">How many threads may work, at least 1; the result does not depend on it.</param>
    /// <exception cref="ArgumentException">The numbers of offsets do not match, or threads is less than 1.</exception>
    public static void Multiply<TField>(
        TField field,
        ulong* left, ReadOnlySpan<int> leftRows, ReadOnlySpan<int> leftDepth,
        ulong* right, ReadOnlySpan<int> rightColumns, ReadOnlySpan<int> rightDepth,
        ulong* output, ReadOnlySpan<int> outRows, ReadOnlySpan<int> outColumns,
        int threads) where TField : struct, IField =>
        Multiply(field, left, [0], leftRows, leftDepth, right, [0], rightColumns, rightDepth, output, [0], outRows, outColumns, threads);

    /// <summary>The same for each entry b of a batch, with leftBatch[b], rightBatch[b] and outBatch[b] added to all offsets: attention heads, groups of a convolution.</summary>
    /// <exception cref="ArgumentException">The numbers of offsets do not match, or threads is less than 1.</exception>
    public static void Multiply<TField>(
        TField field,
        ulong* left, ReadOnlySpan<int> leftBatch, ReadOnlySpan<int> leftRows, ReadOnlySpan<int> leftDepth,
        ulong* right, ReadOnlySpan<int> rightBatch, ReadOnlySpan<int> rightColumns, ReadOnlySpan<int> rightDepth,
        ulong* output, ReadOnlySpan<int> outBatch, ReadOnlySpan<int> outRows, ReadOnlySpan<int> outColumns,
        int threads) where TField : struct, IField =>
        Multiply(Best, field, left, leftBatch, leftRows, leftDepth, right, rightBatch, rightColumns, rightDepth, output, outBatch, outRows, outColumns, threads);

    /// <summary>The same with a chosen kernel: for tests and benchmarks.</summary>
    internal static void Multiply<TField>(
        IContraction contraction, TField field,
        ulong* left, ReadOnlySpan<int> leftBatch, ReadOnlySpan<int> leftRows, ReadOnlySpan<int> leftDepth,
        ulong* right, ReadOnlySpan<int> rightBatch, ReadOnlySpan<int> rightColumns, ReadOnlySpan<int> rightDepth,
        ulong* output, ReadOnlySpan<int> outBatch, ReadOnlySpan<int> outRows, ReadOnlySpan<int> outColumns,
        int threads) where TField : struct, IField
    {
        if (leftBatch.Length != rightBatch.Length || leftBatch.Length != outBatch.Length) throw new ArgumentException("the operands and the output have batches of different lengths");
        if (leftRows.Length != outRows.Length) throw new ArgumentException($"{leftRows.Length} rows on the left, {outRows.Length} in the output");
        if (rightColumns.Length != outColumns.Length) throw new ArgumentException($"{rightColumns.Length} columns on the right, {outColumns.Length} in the output");
        if (leftDepth.Length != rightDepth.Length) throw new ArgumentException($"a depth of {leftDepth.Length} on the left, {rightDepth.Length} on the right");
        if (threads < 1) throw new ArgumentException($"{threads} threads");
        if (leftBatch.IsEmpty || leftRows.IsEmpty || rightColumns.IsEmpty) return;
        fixed (int* leftRow = leftRows, leftStep = leftDepth, rightColumn = rightColumns, rightStep = rightDepth, outRow = outRows, outColumn = outColumns)
        fixed (int* leftEntry = leftBatch, rightEntry = rightBatch, outEntry = outBatch)
        {
            var offsets = new Offsets
            {
                Rows = leftRows.Length, Columns = rightColumns.Length, Depth = leftDepth.Length,
                LeftRows = leftRow, LeftDepth = leftStep, RightColumns = rightColumn, RightDepth = rightStep, OutRows = outRow, OutColumns = outColumn,
            };
            new ContractionWork<TField>(field, contraction, offsets, leftBatch.Length, left, leftEntry, right, rightEntry, output, outEntry, threads).Run(threads);
        }
    }

    static IContraction Choose(string? name)
    {
        if (string.IsNullOrEmpty(name)) return Available[^1];
        foreach (var contraction in Available)
        {
            if (string.Equals(contraction.Name, name, StringComparison.OrdinalIgnoreCase)) return contraction;
        }
        throw new TiebreakException($"TIEBREAK_KERNEL is '{name}': this machine has {string.Join(", ", Available.Select(contraction => contraction.Name))}; leave it unset for the fastest");
    }
}
