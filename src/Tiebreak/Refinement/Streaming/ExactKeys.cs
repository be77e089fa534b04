namespace Tiebreak.Refinement.Streaming;

/// <summary>
/// Whether keys of rows and columns say all there is (theory §6). They may miss ties that are not of rows and columns (xᵀWx keeps a symmetric W symmetric), and what cancels from position to position. So the gradients themselves are
/// counted beside them: as many different ones mean that nothing was missed. Of wide matrices some rows and the columns of the same numbers are looked at.
/// </summary>
/// <param name="modulus">The prime of the field that is looked at.</param>
sealed class ExactKeys(ulong modulus)
{
    const int MostPlaces = 64;

    readonly HashSet<ulong> _byPlace = []; // names of 64 bits: if two get one by chance, counts differ and the held analysis is asked
    readonly HashSet<ulong> _byGradient = [];

    /// <summary>Whether the keys have agreed with the gradients so far.</summary>
    public bool Agree { get; private set; } = true;

    /// <summary>Looks at one matrix, in one field.</summary>
    /// <param name="matrix">The matrix.</param>
    /// <param name="classes">Its keys.</param>
    /// <param name="rows">The vectors of all rows, position by position.</param>
    /// <param name="columns">The same of all columns.</param>
    public void Look(StreamedMatrix matrix, MatrixClasses classes, ulong[] rows, ulong[] columns)
    {
        const int Unreduced = 32; // products of 61 bits whose sum fits
        var positions = rows.Length / matrix.Rows;
        int[] rowPlaces = Places(matrix.Rows), columnPlaces = Places(matrix.Columns);
        foreach (var row in rowPlaces)
        {
            foreach (var column in columnPlaces)
            {
                if (!classes.Moves(row, column)) continue;
                var bits = matrix.Bits(row, column);
                _byPlace.Add(StreamedCells.KeyOf(bits, classes.Rows.Keys[row], classes.Columns.Keys[column]).Name);
                var sum = UInt128.Zero;
                for (var t = 0; t < positions; t++)
                {
                    sum += Math.BigMul(rows[(long)t * matrix.Rows + row], columns[(long)t * matrix.Columns + column]);
                    if (t % Unreduced == Unreduced - 1) sum %= modulus;
                }

                var (gradient, size) = ((ulong)(sum % modulus), bits & int.MaxValue);
                var isOpposed = size != 0 ? (int)bits < 0 : gradient > modulus / 2;
                if (isOpposed && gradient != 0) gradient = modulus - gradient;
                Agree &= gradient != 0; // it moves
                _byGradient.Add(AxisKeys.Mixed(size ^ AxisKeys.Mixed(gradient)));
            }
        }

        Agree &= _byPlace.Count == _byGradient.Count;
    }

    // All, or some that are spread evenly.
    static int[] Places(int count) => count <= MostPlaces ? [.. Enumerable.Range(0, count)] : [.. Enumerable.Range(0, MostPlaces).Select(k => (int)((long)k * count / MostPlaces))];
}
