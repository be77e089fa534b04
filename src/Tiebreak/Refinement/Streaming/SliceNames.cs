using System.Runtime.InteropServices;
using Tiebreak.Formats;
using Tiebreak.Numbers;
using Tiebreak.Numbers.Kernels.Streaming;

namespace Tiebreak.Refinement.Streaming;

/// <summary>
/// Names for rows and columns of streamed matrices in a state, so that two slices have one name only if their products with vectors that are alike are equal, up to sign, at every point of the state.
/// <para>
/// In a state weight (i, j) is σᵢσⱼ·V(rᵢ, cⱼ, u): σ the signs of its row and column, r and c their classes, u its bits times both signs, and V any function. If a vector has the value σⱼ·ξ(cⱼ) at place j, then row i's product with
/// it is σᵢ·Σⱼ V(rᵢ, cⱼ, uᵢⱼ)·ξ(cⱼ): a function of rᵢ, of the multiset {(cⱼ, uᵢⱼ)} and of ξ. So a slice is named by its class and a hash of that multiset; a class with one member needs no hash, and where little is tied little is read.
/// </para>
/// </summary>
sealed class SliceNames
{
    readonly AxisNames?[] _rows;
    readonly AxisNames?[] _columns;

    SliceNames(AxisNames?[] rows, AxisNames?[] columns) => (_rows, _columns) = (rows, columns);

    double _pairs; // of slices that hashes tell apart
    int _longest = 1;

    /// <summary>The chance that some two of the slices, or of so many pairs of vectors, have equal hashes and are not alike.</summary>
    public double Confusion(double vectorPairs) => Math.Min(1, (_pairs + vectorPairs) * Math.Pow(Math.ScaleB(_longest, -64), 2));

    /// <summary>Whether the slices of a matrix have names.</summary>
    public bool Has(int matrix) => _rows[matrix] is not null;

    /// <summary>The names of one axis of a matrix.</summary>
    public AxisNames Of(int matrix, bool isRows) => (isRows ? _rows : _columns)[matrix]!;

    /// <summary>Names all slices.</summary>
    /// <param name="matrices">All matrices, first those that are trained.</param>
    /// <param name="state">The state.</param>
    /// <param name="seed">Of the hashes.</param>
    /// <param name="options">Threads and cancellation.</param>
    public static SliceNames Of(IReadOnlyList<StreamedMatrix> matrices, StreamedState state, ulong seed, RefinementOptions options)
    {
        var classes = state.Classes;
        var (rows, columns) = (new AxisNames?[matrices.Count], new AxisNames?[matrices.Count]);
        var names = new SliceNames(rows, columns);
        var contexts = new (ulong OfRows, ulong OfColumns)[classes.Length];
        Parallel.For(0, classes.Length, new ParallelOptions { MaxDegreeOfParallelism = options.Threads, CancellationToken = options.Cancellation }, k => contexts[k] = classes[k] is { } own ? (Context(own.Columns), Context(own.Rows)) : default);
        (ulong[] Keys, ulong Context)[] axes = [.. Enumerable.Range(0, classes.Length).Where(k => classes[k] is not null).SelectMany(k => new[] { (KeysOf(classes[k]!.Rows, state.Alike[k].Rows), contexts[k].OfRows), (KeysOf(classes[k]!.Columns, state.Alike[k].Columns), contexts[k].OfColumns) })];
        var repeated = RepeatedKeys.Among(axes, each => each.Keys, (each, key) => Within(each.Context, key));
        var known = new Dictionary<(ulong Class, ulong First, ulong Second), int>();
        var next = 1; // 0 is the name of a slice whose products are zero
        names._pairs = state.Repeated.Counts.Sum(count => (double)count * count / 2);
        for (var k = 0; k < matrices.Count; k++)
        {
            if ((k < classes.Length ? classes[k] : null) is not { AnyMoves: true } own)
            {
                // What stays is not named by what stands in it: any products will do but those of nothing.
                if (!matrices[k].Facts.IsZero) (rows[k], columns[k]) = (AxisNames.AllDifferent(matrices[k].Rows, ref next), AxisNames.AllDifferent(matrices[k].Columns, ref next));
                continue;
            }

            names._longest = Math.Max(names._longest, Math.Max(matrices[k].Rows, matrices[k].Columns));
            Hashes? hashes = null; // where nothing repeats, nothing is read
            Hashes Made() => hashes ??= new Hashes(matrices[k], own, seed, options);
            (rows[k], columns[k]) = (Name(own.Rows, state.Alike[k].Rows, contexts[k].OfRows, own.AllMove, places => Made().OfRows(places)), Name(own.Columns, state.Alike[k].Columns, contexts[k].OfColumns, own.AllMove, places => Made().OfColumns(places)));
            hashes?.Dispose();
        }

        return names;

        static ulong[] KeysOf(AxisKeys axis, int[] places) => [.. places.Select(place => axis.Keys[place])];

        AxisNames Name(AxisKeys axis, int[] alike, ulong context, bool allMove, Func<int[], (ulong[] First, ulong[] Second)> hashesOf)
        {
            // Where some weights stay, a slice may be all zeros, which must be known of each.
            int[] hashed = allMove ? [.. alike.Where(place => repeated.Contains(Within(context, axis.Keys[place])))] : [.. Enumerable.Range(0, axis.Keys.Length)];
            var ids = new int[axis.Keys.Length];
            var (first, second) = hashed.Length == 0 ? ([], []) : hashesOf(hashed);
            for (var n = 0; n < hashed.Length; n++)
            {
                if (!allMove && (first[n] | second[n]) == 0) continue;
                ref var id = ref CollectionsMarshal.GetValueRefOrAddDefault(known, (axis.Keys[hashed[n]] & ~AxisKeys.SignBit, first[n], second[n]), out var exists);
                if (!exists) id = next++;
                ids[hashed[n]] = id;
            }

            if (allMove)
                for (var place = 0; place < ids.Length; place++)
                    if (ids[place] == 0) ids[place] = next++;
            return AxisNames.Of(axis, ids, allMove, hashed);
        }
    }

    // Slices of two matrices are alike only if the classes across them are: what several matrices are multiplied with has the same classes in all, and is no reason to compare them.
    static ulong Context(AxisKeys across)
    {
        var context = 0UL;
        foreach (var key in across.Keys) context += Mixing.Mixed(key & ~AxisKeys.SignBit);
        return context;
    }

    static ulong Within(ulong context, ulong key) => Mixing.Mixed(key & ~AxisKeys.SignBit ^ context);

    /// <summary>The hashes of slices of one matrix.</summary>
    sealed unsafe class Hashes : IDisposable
    {
        const int Lanes = 8;
        const int MostGroups = 32;

        readonly StreamedMatrix _matrix;
        readonly RefinementOptions _options;
        readonly SliceKeys _rows;
        readonly SliceKeys _columns;

        public Hashes(StreamedMatrix matrix, MatrixClasses classes, ulong seed, RefinementOptions options)
        {
            (_matrix, _options) = (matrix, options);
            (_rows, _columns) = (Keys(classes.Rows), Keys(classes.Columns));

            SliceKeys Keys(AxisKeys axis)
            {
                RandomFunction first = new(seed, RandomFunction.Purpose("first hash of slices")), second = new(seed, RandomFunction.Purpose("second hash of slices"));
                var keys = new SliceKeys(axis.Keys.Length, classes.AllMove, (first.Word(AxisKeys.SignBit), second.Word(AxisKeys.SignBit))); // no class is called so
                for (var place = 0; place < axis.Keys.Length; place++)
                {
                    var key = axis.Keys[place] & ~AxisKeys.SignBit;
                    (keys.First[place], keys.Second[place], keys.Signs[place]) = (first.Word(key), second.Word(key), axis.Keys[place] & AxisKeys.SignBit);
                    if (keys.Moving is not null) keys.Moving[place] = axis.Moving[place];
                }

                return keys;
            }
        }

        public (ulong[] First, ulong[] Second) OfRows(int[] rows)
        {
            var (first, second) = (new ulong[rows.Length], new ulong[rows.Length]);
            Share(rows.Length, n => (first[n], second[n]) = _matrix.Format switch
            {
                FloatFormat.Float32 => SliceHashes<Float32Bits>.OfRow(_matrix.Bytes, _rows, _columns, rows[n]),
                FloatFormat.BFloat16 => SliceHashes<BFloat16Bits>.OfRow(_matrix.Bytes, _rows, _columns, rows[n]),
                _ => SliceHashes<Float16Bits>.OfRow(_matrix.Bytes, _rows, _columns, rows[n]),
            });
            return (first, second);
        }

        // Eight neighbours cost as much as one; stretches of them are read together.
        public (ulong[] First, ulong[] Second) OfColumns(int[] columns)
        {
            var stretches = new List<(int From, int To)>();
            foreach (var column in columns)
            {
                var (from, to) = (column & -Lanes, Math.Min(_matrix.Columns, (column & -Lanes) + Lanes));
                if (stretches.Count > 0 && stretches[^1].To >= from && to - stretches[^1].From <= MostGroups * Lanes) stretches[^1] = (stretches[^1].From, to);
                else stretches.Add((from, to));
            }

            var (first, second) = (new ulong[_matrix.Columns], new ulong[_matrix.Columns]);
            Share(stretches.Count, n =>
            {
                var (from, to) = stretches[n];
                Span<ulong> one = first.AsSpan(from, to - from), other = second.AsSpan(from, to - from);
                switch (_matrix.Format)
                {
                    case FloatFormat.Float32:
                        SliceHashes<Float32Bits>.OfColumns(_matrix.Bytes, _rows, _columns, from, one, other);
                        break;
                    case FloatFormat.BFloat16:
                        SliceHashes<BFloat16Bits>.OfColumns(_matrix.Bytes, _rows, _columns, from, one, other);
                        break;
                    default:
                        SliceHashes<Float16Bits>.OfColumns(_matrix.Bytes, _rows, _columns, from, one, other);
                        break;
                }
            });
            return ([.. columns.Select(column => first[column])], [.. columns.Select(column => second[column])]);
        }

        void Share(int count, Action<int> one)
        {
            if (count == 1) one(0);
            else Parallel.For(0, count, new ParallelOptions { MaxDegreeOfParallelism = _options.Threads, CancellationToken = _options.Cancellation }, one);
        }

        // The arrays, and what is read, must live as long as the kernels run.
        public void Dispose()
        {
            GC.KeepAlive(_rows);
            GC.KeepAlive(_columns);
            GC.KeepAlive(_matrix);
        }
    }
}

/// <summary>The slices of one axis of a matrix.</summary>
/// <param name="Axis">Their classes.</param>
/// <param name="Ids">The name of each; 0 if its products are zero.</param>
/// <param name="Repeated">Places whose class an earlier place of this axis has: the place, the earlier one, and whether their signs differ.</param>
/// <param name="Idle">Places where vectors must be zero.</param>
sealed record AxisNames(AxisKeys Axis, int[] Ids, IReadOnlyList<(int Place, int First, bool IsOpposed)> Repeated, IReadOnlyList<int> Idle)
{
    /// <summary>Slices of which nothing is known: no two are alike.</summary>
    /// <param name="places">How many.</param>
    /// <param name="next">The first name that is free.</param>
    public static AxisNames AllDifferent(int places, ref int next)
    {
        var first = next;
        next += places;
        int[] ids = [.. Enumerable.Range(first, places)];
        return new AxisNames(new AxisKeys { Keys = [.. ids.Select(id => Mixing.Mixed((ulong)id) & ~AxisKeys.SignBit)], Moving = PlaceBits.Of([]) }, ids, [], []);
    }

    /// <summary>Looks for what repeats.</summary>
    /// <param name="axis">The classes.</param>
    /// <param name="ids">The names.</param>
    /// <param name="allMove">Whether all weights move.</param>
    /// <param name="among">Places among which all that repeat are.</param>
    public static AxisNames Of(AxisKeys axis, int[] ids, bool allMove, int[] among)
    {
        var (repeated, first) = (new List<(int, int, bool)>(), new Dictionary<ulong, int>());
        foreach (var place in among)
        {
            ref var earlier = ref CollectionsMarshal.GetValueRefOrAddDefault(first, axis.Keys[place] & ~AxisKeys.SignBit, out var exists);
            if (exists) repeated.Add((place, earlier, ((axis.Keys[place] ^ axis.Keys[earlier]) & AxisKeys.SignBit) != 0));
            else earlier = place;
        }

        return new AxisNames(axis, ids, repeated, allMove ? [] : [.. Enumerable.Range(0, ids.Length).Where(place => axis.Moving[place] == 0)]);
    }
}
