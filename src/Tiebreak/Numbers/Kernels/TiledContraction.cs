using System.Runtime.InteropServices;

namespace Tiebreak.Numbers.Kernels;

/// <summary>A contraction by tiles: both operands are packed into panels of limbs, each tile is multiplied by a kernel, and reduced once.</summary>
static unsafe class TiledContraction<TField, TKernel>
    where TField : struct, IField
    where TKernel : ITileKernel
{
    static int Rows => TKernel.Rows;

    static int Columns => TKernel.Columns;

    public static void Multiply(TField field, Contractions.Operand left, Contractions.Operand right, Contractions.Result output, int threads, int depthBlock)
    {
        var problems = left.Batch.Length;
        if (problems >= threads * 2 || threads <= 1)
        {
            // Many problems: each is a core's own.
            ForEach(problems, threads, problem => Problem(field, left, right, output, problem, threads: 1, depthBlock));
            return;
        }

        for (var problem = 0; problem < problems; problem++) Problem(field, left, right, output, problem, threads, depthBlock);
    }

    static void Problem(TField field, Contractions.Operand left, Contractions.Operand right, Contractions.Result output, int problem, int threads, int depthBlock)
    {
        int rows = left.Outer.Length, columns = right.Outer.Length, depth = left.Depth.Length;
        int rowPanels = (rows + Rows - 1) / Rows, columnPanels = (columns + Columns - 1) / Columns;
        var block = Math.Min(depth, depthBlock);
        var a = left.Start + left.Batch[problem];
        var b = right.Start + right.Batch[problem];
        var r = output.Start + output.Batch[problem];
        var power93 = field.Power(2, 93);
        var leftPanels = (long*)HugePages.Allocate((nuint)((long)rowPanels * Rows * block * sizeof(long)));
        try
        {
            for (var start = 0; start < depth; start += block)
            {
                var (first, length) = (start, Math.Min(block, depth - start));
                ForEach(rowPanels, threads, panel => Limbs.PackPanel(
                    a, Slice(left.Outer, panel * Rows, Rows), left.Depth.AsSpan(first, length), Rows, field.Modulus, leftPanels + (long)panel * Rows * length));
                ForEachStretch(columnPanels, threads, (from, to) =>
                {
                    var panel = (long*)NativeMemory.AlignedAlloc((nuint)(Columns * length * sizeof(long)), 64);
                    try
                    {
                        for (var columnPanel = from; columnPanel < to; columnPanel++)
                        {
                            Limbs.PackPanel(b, Slice(right.Outer, columnPanel * Columns, Columns), right.Depth.AsSpan(first, length), Columns, field.Modulus, panel);
                            for (var rowPanel = 0; rowPanel < rowPanels; rowPanel++)
                                Tile(field, leftPanels + (long)rowPanel * Rows * length, panel, length, power93, first > 0,
                                    r, Slice(output.Rows, rowPanel * Rows, Rows), Slice(output.Columns, columnPanel * Columns, Columns));
                        }
                    }
                    finally
                    {
                        NativeMemory.AlignedFree(panel);
                    }
                });
            }
        }
        finally
        {
            HugePages.Free(leftPanels);
        }
    }

    static void Tile(TField field, long* left, long* right, int depth, ulong power93, bool add, ulong* result, ReadOnlySpan<int> rows, ReadOnlySpan<int> columns)
    {
        var size = Rows * Columns;
        var digits = stackalloc long[4 * size];
        TKernel.Multiply(left, right, depth, digits);
        for (var m = 0; m < rows.Length; m++)
        {
            for (var n = 0; n < columns.Length; n++)
            {
                var e = m * Columns + n;
                // d₀ + d₁·2³¹ + d₂·2⁶² is below 2⁹³.
                var low = (ulong)digits[e] + ((ulong)digits[size + e] << 31);
                var value = field.Reduce(((UInt128)(ulong)digits[2 * size + e] << 62) + low);
                var top = digits[3 * size + e];
                if (top != 0) value = field.Add(value, field.Multiply(field.Reduce((Int128)top), power93));
                var place = result + rows[m] + columns[n];
                *place = add ? field.Add(*place, value) : value;
            }
        }
    }

    static ReadOnlySpan<int> Slice(int[] offsets, int start, int width) => offsets.AsSpan(start, Math.Min(width, offsets.Length - start));

    static void ForEach(int count, int threads, Action<int> body)
    {
        if (threads <= 1 || count <= 1)
            for (var i = 0; i < count; i++) body(i);
        else
            Parallel.For(0, count, new ParallelOptions { MaxDegreeOfParallelism = threads }, body);
    }

    static void ForEachStretch(int count, int threads, Action<int, int> body)
    {
        var stretches = threads <= 1 ? 1 : Math.Min(count, threads * 4);
        ForEach(stretches, threads, stretch => body((int)((long)count * stretch / stretches), (int)((long)count * (stretch + 1) / stretches)));
    }
}
