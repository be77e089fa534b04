namespace Tiebreak.Numbers.Kernels;

/// <summary>
/// The definition of a contraction: one output after the other, products summed in 128 bits. It is what all kernels are tested against, the fastest for
/// sums of a few products, and what <c>TIEBREAK_KERNEL=scalar</c> selects.
/// </summary>
public sealed unsafe class ScalarContraction : IContraction
{
    /// <inheritdoc/>
    public string Name => "scalar";

    /// <inheritdoc/>
    public bool IsSupported => true;

    // (2⁶¹ − 1)² · 64 is still below 2¹²⁸.
    const int ProductsInWord = 64;

    /// <summary>Computes some columns of some rows.</summary>
    internal static void Multiply<TField>(TField field, in Offsets offsets, in Block block) where TField : struct, IField
    {
        for (var m = block.RowStart; m < block.RowEnd; m++)
        {
            var row = block.Left + offsets.LeftRows[m];
            for (var n = block.ColumnStart; n < block.ColumnEnd; n++)
            {
                var column = block.Right + offsets.RightColumns[n];
                var sum = 0UL;
                for (var k = 0; k < offsets.Depth;)
                {
                    ulong high = 0, low = 0;
                    for (var end = Math.Min(offsets.Depth, k + ProductsInWord); k < end; k++)
                    {
                        high += Math.BigMul(row[offsets.LeftDepth[k]], column[offsets.RightDepth[k]], out var product);
                        low += product;
                        high += low < product ? 1UL : 0; // a branch would be taken at random
                    }
                    var part = field.Reduce(new UInt128(high, low));
                    sum = offsets.Depth <= ProductsInWord ? part : field.Add(sum, part);
                }
                block.Output[offsets.OutRows[m] + (long)offsets.OutColumns[n]] = sum;
            }
        }
    }
}
