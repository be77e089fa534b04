namespace Tiebreak.Numbers.Kernels;

/// <summary>The definition of a contraction: 128-bit products, summed exactly, reduced at the end. Also the fast way for a single row.</summary>
static unsafe class ScalarContraction
{
    const int TermsBeforeReduction = 32; // each below 2¹²²

    public static void Multiply<TField>(TField field, Contractions.Operand left, Contractions.Operand right, Contractions.Result output, int threads) where TField : struct, IField
    {
        var rows = left.Outer.Length;
        var columns = right.Outer.Length;
        var depth = left.Depth.Length;

        // One part is a stretch of columns of one problem.
        var perProblem = (int)Math.Clamp((long)rows * columns * depth / (1 << 16), 1, Math.Min(columns, 64));
        var parts = left.Batch.Length * perProblem;
        void Part(int part)
        {
            var (problem, stretch) = Math.DivRem(part, perProblem);
            var a = left.Start + left.Batch[problem];
            var b = right.Start + right.Batch[problem];
            var r = output.Start + output.Batch[problem];
            var end = (int)((long)columns * (stretch + 1) / perProblem);
            for (var n = (int)((long)columns * stretch / perProblem); n < end; n++)
                for (var m = 0; m < rows; m++)
                    r[output.Rows[m] + output.Columns[n]] = Dot(field, a + left.Outer[m], left.Depth, b + right.Outer[n], right.Depth);
        }

        if (threads <= 1 || (long)parts * rows * columns * depth / perProblem < 1 << 16)
            for (var part = 0; part < parts; part++) Part(part);
        else
            Parallel.For(0, parts, new ParallelOptions { MaxDegreeOfParallelism = threads }, Part);
    }

    static ulong Dot<TField>(TField field, ulong* left, int[] leftDepth, ulong* right, int[] rightDepth) where TField : struct, IField
    {
        ulong total = 0;
        for (var start = 0; start < leftDepth.Length; start += TermsBeforeReduction)
        {
            var end = Math.Min(leftDepth.Length, start + TermsBeforeReduction);
            ulong low = 0, high = 0;
            for (var k = start; k < end; k++)
            {
                var top = Math.BigMul(left[leftDepth[k]], right[rightDepth[k]], out var bottom);
                low += bottom;
                high += top + (low < bottom ? 1UL : 0);
            }

            total = field.Add(total, field.Reduce(new UInt128(high, low)));
        }

        return total;
    }
}
