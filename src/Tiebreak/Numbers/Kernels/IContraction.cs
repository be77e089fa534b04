namespace Tiebreak.Numbers.Kernels;

/// <summary>A way to compute contractions; <see cref="Contractions"/> lists them.</summary>
public interface IContraction
{
    /// <summary>The name that <c>TIEBREAK_KERNEL</c> knows it by.</summary>
    string Name { get; }

    /// <summary>Whether this machine can run it.</summary>
    bool IsSupported { get; }
}

/// <summary>
/// The inner loops of a contraction for one instruction set, on operands in limb form (<see cref="Limbs"/>). A kernel knows no modulus: it sums products
/// of integers exactly and leaves three words a sum, see <see cref="Sums"/>. README.md beside this file has the bounds.
/// </summary>
public unsafe interface IPanelContraction : IContraction
{
    /// <summary>The columns of a tile: 4, 8 or 16.</summary>
    int Columns { get; }

    /// <summary>Four rows times <see cref="Columns"/> columns.</summary>
    /// <param name="depth">How many products a sum has, 1 to <see cref="Limbs.GreatestDepth"/>.</param>
    /// <param name="left">For each k, for each of the four rows: low limb, high limb, their sum.</param>
    /// <param name="right">For each k, for each column: the packed limbs. Aligned to 64 bytes.</param>
    /// <param name="sums">First all low words, row by row, then all middle words, then all top words.</param>
    void Tile(int depth, int* left, ulong* right, long* sums);

    /// <summary>One row times <see cref="Columns"/> columns; otherwise as <see cref="Tile"/>.</summary>
    void Row(int depth, int* left, ulong* right, long* sums);

    /// <summary>
    /// An inner product of two rows of packed limbs, as <see cref="Columns"/> partial sums: sum j is of the products j, j + Columns, j + 2·Columns, …
    /// </summary>
    /// <param name="depth">How many products there are; a multiple of <see cref="Columns"/>, at most Columns times <see cref="Limbs.GreatestDepth"/>.</param>
    /// <param name="left">Packed limbs, aligned to 64 bytes.</param>
    /// <param name="right">Packed limbs, aligned to 64 bytes.</param>
    /// <param name="sums">Laid out as for a row.</param>
    void Dot(int depth, ulong* left, ulong* right, long* sums);
}
