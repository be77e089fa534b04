namespace Tiebreak.Numbers.Kernels;

/// <summary>
/// The innermost product of a contraction on one instruction set: a small tile of rows × columns over a stretch of depth, on packed limbs
/// (<see cref="Limbs"/>). Exact in whole numbers; knows nothing of the modulus.
/// </summary>
unsafe interface ITileKernel
{
    /// <summary>Rows of the tile.</summary>
    static abstract int Rows { get; }

    /// <summary>Columns of the tile.</summary>
    static abstract int Columns { get; }

    /// <summary>Whether this machine can run it.</summary>
    static abstract bool IsSupported { get; }

    /// <summary>
    /// Writes for each element (row-major in the tile) the four digits of Σₖ left·right in base 2³¹: digit d of element e to
    /// <c>digits[d · Rows · Columns + e]</c>; the lower three are in [0, 2³¹), the last is signed.
    /// </summary>
    /// <param name="left">Packed limbs, [depth][Rows].</param>
    /// <param name="right">Packed limbs, [depth][Columns].</param>
    /// <param name="depth">Terms; at most 2³⁰.</param>
    /// <param name="digits">4 · Rows · Columns words.</param>
    static abstract void Multiply(long* left, long* right, int depth, long* digits);
}
