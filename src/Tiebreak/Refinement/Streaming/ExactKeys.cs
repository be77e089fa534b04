namespace Tiebreak.Refinement.Streaming;

/// <summary>
/// Whether keys of rows and columns say all there is (theory §6). They may miss ties that are not of rows and columns (xᵀWx keeps a symmetric W symmetric), and what cancels from position to position. So the gradients themselves are
/// counted beside them: as many different ones mean that nothing was missed. Of wide matrices some rows and the columns of the same numbers are looked at.
/// </summary>
/// <param name="moduli">The primes of the lanes.</param>
sealed class ExactKeys(ulong[] moduli)
{
    const int MostPlaces = 128;

    readonly HashSet<CellKey> _byPlace = [];
    readonly HashSet<(ulong, ulong)> _byGradient = [];

    /// <summary>Whether the keys have agreed with the gradients so far.</summary>
    public bool Agree { get; private set; } = true;

    /// <summary>Looks at one matrix.</summary>
    /// <param name="matrix">The matrix.</param>
    /// <param name="classes">Its keys.</param>
    /// <param name="rows">For each lane the vectors of all rows, position by position.</param>
    /// <param name="columns">The same of all columns.</param>
    public void Look(StreamedMatrix matrix, MatrixClasses classes, ulong[][] rows, ulong[][] columns)
    {
        var positions = rows[0].Length / matrix.Rows;
        int[] rowPlaces = Places(matrix.Rows), columnPlaces = Places(matrix.Columns);
        foreach (var row in rowPlaces)
        {
            foreach (var column in columnPlaces)
            {
                if (!classes.Moves(row, column)) continue;
                var bits = matrix.Bits(row, column);
                _byPlace.Add(StreamedCells.KeyOf(bits, classes.Rows.Keys[row], classes.Columns.Keys[column]));
                ulong first = 0, second = bits & int.MaxValue;
                var (isSigned, negative) = (second != 0, (int)bits < 0);
                for (var lane = 0; lane < moduli.Length; lane++)
                {
                    var gradient = UInt128.Zero;
                    for (var t = 0; t < positions; t++)
                        gradient = (gradient + (UInt128)rows[lane][(long)t * matrix.Rows + row] * columns[lane][(long)t * matrix.Columns + column]) % moduli[lane];
                    var value = (ulong)gradient;
                    if (value != 0 && !isSigned) (isSigned, negative) = (true, value > moduli[lane] / 2);
                    if (value != 0 && negative) value = moduli[lane] - value;
                    first |= value;
                    second = AxisKeys.Mixed(second ^ value);
                }

                Agree &= first != 0; // it moves
                _byGradient.Add((first, second));
            }
        }

        Agree &= _byPlace.Count == _byGradient.Count;
    }

    // All, or some that are spread evenly.
    static int[] Places(int count) => count <= MostPlaces ? [.. Enumerable.Range(0, count)] : [.. Enumerable.Range(0, MostPlaces).Select(k => (int)((long)k * count / MostPlaces))];
}
