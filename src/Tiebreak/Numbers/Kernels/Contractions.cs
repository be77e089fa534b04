using System.Runtime.InteropServices;

namespace Tiebreak.Numbers.Kernels;

/// <summary>Which kernel multiplies: the best the machine has, or the one TIEBREAK_KERNEL names.</summary>
enum KernelKind
{
    /// <summary>128-bit products, one at a time: the definition, and the portable path.</summary>
    Scalar,

    /// <summary>256-bit vectors.</summary>
    Avx2,

    /// <summary>512-bit vectors.</summary>
    Avx512,
}

/// <summary>
/// A batch of matrix products in a field, read through offsets:
/// output[outBatch[b] + outRows[m] + outColumns[n]] = Σₖ left[leftBatch[b] + leftRows[m] + leftDepth[k]] · right[rightBatch[b] + rightColumns[n] + rightDepth[k]].
/// </summary>
static unsafe class Contractions
{
    const int DepthBlock = 2048; // a packed panel of 16 columns is 256 KiB then, and stays in the second-level cache

    /// <summary>The kernels this machine can run, slowest first.</summary>
    public static IReadOnlyList<KernelKind> Available { get; } = [.. Enum.GetValues<KernelKind>().Where(IsSupported)];

    /// <summary>The kernel in use.</summary>
    /// <exception cref="TiebreakException">TIEBREAK_KERNEL names none, or one this machine lacks.</exception>
    public static KernelKind Best { get; } = Choose(Environment.GetEnvironmentVariable("TIEBREAK_KERNEL"));

    /// <summary>One operand: where it starts, and its offsets.</summary>
    public readonly struct Operand(ulong* start, int[] batch, int[] outer, int[] depth)
    {
        public readonly ulong* Start = start;
        public readonly int[] Batch = batch;
        public readonly int[] Outer = outer; // rows of the left operand, columns of the right one
        public readonly int[] Depth = depth;
    }

    /// <summary>Where results go.</summary>
    public readonly struct Result(ulong* start, int[] batch, int[] rows, int[] columns)
    {
        public readonly ulong* Start = start;
        public readonly int[] Batch = batch;
        public readonly int[] Rows = rows;
        public readonly int[] Columns = columns;

        public Result Transposed => new(Start, Batch, Columns, Rows);
    }

    /// <summary>Multiplies, with the best kernel, on up to <paramref name="threads"/> cores.</summary>
    public static void Multiply<TField>(TField field, Operand left, Operand right, Result output, int threads) where TField : struct, IField =>
        Multiply(field, left, right, output, threads, Best);

    /// <summary>Multiplies with a given kernel.</summary>
    public static void Multiply<TField>(TField field, Operand left, Operand right, Result output, int threads, KernelKind kernel) where TField : struct, IField
    {
        if (left.Batch.Length == 0 || left.Outer.Length == 0 || right.Outer.Length == 0) return;

        // Vectors run along the columns: let those be the longer side.
        if (right.Outer.Length < left.Outer.Length && right.Outer.Length < 16) (left, right, output) = (right, left, output.Transposed);

        if (kernel == KernelKind.Scalar || left.Outer.Length == 1 || left.Depth.Length < 8) ScalarContraction.Multiply(field, left, right, output, threads);
        else if (kernel == KernelKind.Avx512) TiledContraction<TField, Avx512TileKernel>.Multiply(field, left, right, output, threads, DepthBlock);
        else TiledContraction<TField, Avx2TileKernel>.Multiply(field, left, right, output, threads, DepthBlock);
    }

    static bool IsSupported(KernelKind kind) => kind switch
    {
        KernelKind.Avx512 => Avx512TileKernel.IsSupported,
        KernelKind.Avx2 => Avx2TileKernel.IsSupported,
        _ => true,
    };

    static KernelKind Choose(string? forced)
    {
        if (string.IsNullOrEmpty(forced)) return Available[^1];
        foreach (var kind in Available)
            if (string.Equals(kind.ToString(), forced, StringComparison.OrdinalIgnoreCase)) return kind;
        throw new TiebreakException($"TIEBREAK_KERNEL={forced}: this machine has {string.Join(", ", Available).ToLowerInvariant()}");
    }
}
