using Tiebreak.Evaluation;
using Tiebreak.Numbers;
using Tiebreak.Numbers.Kernels.Streaming;

namespace Tiebreak.Refinement.Streaming;

/// <summary>A candidate set during a streamed refinement: codes for what is kept in memory, keys of rows and columns for what streams by.</summary>
/// <param name="Kept">The tensors that have a code for each parameter.</param>
/// <param name="Classes">For each streamed matrix its rows and columns; null while none of its weights moves.</param>
sealed record StreamedState(State Kept, MatrixClasses?[] Classes)
{
    /// <summary>For each streamed matrix its rows and columns.</summary>
    public MatrixClasses?[] Classes
    {
        get;
        init => (field, _repeated, _alike) = (value, null, null); // what was looked up is of these and no others
    }
    = Classes;

    RepeatedKeys? _repeated;
    (int[] Rows, int[] Columns)[]? _alike;

    /// <summary>The classes, without signs, that several rows or columns of these matrices have.</summary>
    public RepeatedKeys Repeated => _repeated ??= RepeatedKeys.Among([.. Classes.OfType<MatrixClasses>().SelectMany(classes => new[] { classes.Rows, classes.Columns })], axis => axis.Keys, (_, key) => key & ~AxisKeys.SignBit);

    /// <summary>For each matrix its rows and columns whose class others have, too: few, where little is tied.</summary>
    public (int[] Rows, int[] Columns)[] Alike
    {
        get
        {
            if (_alike is not null) return _alike;
            var (repeated, alike) = (Repeated, new (int[], int[])[Classes.Length]);
            Parallel.For(0, alike.Length, k => alike[k] = Classes[k] is { } own ? (Among(own.Rows), Among(own.Columns)) : ([], []));
            return _alike = alike;

            int[] Among(AxisKeys axis) => [.. Enumerable.Range(0, axis.Keys.Length).Where(place => repeated.Contains(axis.Keys[place] & ~AxisKeys.SignBit))];
        }
    }
}

/// <summary>A random point of such a state. Values of streamed weights are functions of their bits and keys, so they are the same whenever they are asked for.</summary>
/// <param name="state">The state.</param>
/// <param name="matrices">What streams.</param>
/// <param name="numbers">The place of each of them by its name.</param>
/// <param name="drawn">Products that are drawn at random in place of the weights; null if none.</param>
/// <param name="seed">Of the values.</param>
/// <param name="options">Threads and cancellation.</param>
sealed class StreamedPoint(StreamedState state, IReadOnlyList<StreamedMatrix> matrices, IReadOnlyDictionary<string, int> numbers, DrawnProducts? drawn, ulong seed, RefinementOptions options) : IMatrixPoint
{
    readonly RandomPoint _kept = new(state.Kept, seed);
    readonly Dictionary<(int Matrix, int Lane), MatrixKeys> _keys = [];

    /// <inheritdoc/>
    public bool IsMatrix(string name) => numbers.ContainsKey(name);

    /// <inheritdoc/>
    public unsafe bool TryMultiply<TField>(TField[] fields, string name, bool overRows, ulong*[] vectors, int count, ulong*[] results) where TField : struct, IField
    {
        var number = numbers[name];
        if (drawn is not null && drawn.Has(number))
        {
            drawn.Multiply(fields, number, overRows, vectors, count, results);
            return true;
        }

        var (matrix, classes) = (matrices[number], ClassesOf(number));
        if (classes is { AllMove: false }) return false;
        if (typeof(TField) == typeof(ZeroPattern))
        {
            if (classes is null) return false;
            var (summed, made) = overRows ? (matrix.Rows, matrix.Columns) : (matrix.Columns, matrix.Rows);
            for (var t = 0; t < count; t++)
            {
                var any = 0UL;
                for (var k = 0; k < summed; k++) any |= vectors[0][(long)t * summed + k];
                new Span<ulong>(results[0] + (long)t * made, made).Fill(any == 0 ? 0UL : 1);
            }

            return true;
        }

        for (var lane = 0; lane < fields.Length; lane++) matrix.Multiply(fields[lane], classes is null ? null : KeysOf(number, lane, classes), overRows, vectors[lane], count, results[lane], options);
        return true;
    }

    /// <inheritdoc/>
    public void Fill<TField>(TField field, int lane, string name, long start, Span<ulong> values) where TField : struct, IField
    {
        if (!numbers.TryGetValue(name, out var number))
        {
            _kept.Fill(field, lane, name, start, values);
            return;
        }

        var (matrix, classes) = (matrices[number], ClassesOf(number));
        if (classes is null)
        {
            ExactImages.Fill(field, matrix.Tensor.Start, start, values);
            return;
        }

        MatrixKeys keys;
        lock (_keys) keys = KeysOf(number, lane, classes);
        var random = default(RandomValues<SomeZeros>);
        for (var k = 0; k < values.Length; k++)
        {
            var (row, column) = ((int)((start + k) / matrix.Columns), (int)((start + k) % matrix.Columns));
            var bits = matrix.Bits(row, column);
            if (!classes.Moves(row, column))
            {
                values[k] = typeof(TField) == typeof(ZeroPattern) ? (bits == 0 ? 0UL : 1) : field.Image(BitConverter.UInt32BitsToSingle(bits));
                continue;
            }

            var (low, high) = random.One(bits, keys.Rows[row], keys.Columns[column]);
            var whole = RandomValues<SomeZeros>.Whole(low, high);
            values[k] = typeof(TField) == typeof(ZeroPattern) ? 1 : whole < 0 ? field.Modulus - (ulong)-whole : (ulong)whole;
        }
    }

    // A weight that is never trained stays at its value.
    MatrixClasses? ClassesOf(int number) => number < state.Classes.Length ? state.Classes[number] : null;

    MatrixKeys KeysOf(int number, int lane, MatrixClasses classes)
    {
        if (_keys.TryGetValue((number, lane), out var known)) return known;
        var random = new RandomFunction(seed + (ulong)lane, RandomFunction.Purpose("streamed"));
        ulong[] Drawn(AxisKeys axis)
        {
            var keys = new ulong[axis.Keys.Length];
            for (var k = 0; k < keys.Length; k++) keys[k] = random.Word(axis.Keys[k] & ~AxisKeys.SignBit) & ~AxisKeys.SignBit | axis.Keys[k] & AxisKeys.SignBit;
            return keys;
        }

        known = new MatrixKeys(Drawn(classes.Rows), Drawn(classes.Columns));
        _keys.Add((number, lane), known);
        return known;
    }
}
