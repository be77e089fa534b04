using Tiebreak.Formats;
using Tiebreak.Numbers;
using Tiebreak.Numbers.Kernels.Streaming;
using Tiebreak.Programs;
using Tiebreak.Refinement;
using Tiebreak.Refinement.Streaming;
using Tiebreak.Tests.Formats.Families;
using Tiebreak.Tests.Judge;
using Xunit;

namespace Tiebreak.Tests.Refinement.Streaming;

/// <summary>A set that is invariant by products that are drawn is invariant by those that are computed; and nearly always the other way round.</summary>
public sealed class DrawnProductsTests
{
    static readonly int Cases = 4 * Agreement.More;

    [Theory]
    [MemberData(nameof(RandomTransformers.Names), MemberType = typeof(RandomTransformers))]
    public void What_drawn_products_prove_holds_of_the_products(string family)
    {
        var (proved, drawn, refuted) = (0, 0, 0);
        for (var seed = 1; seed <= Cases; seed++)
        {
            using var model = new Streamed(RandomTransformers.Draw(family, seed), freezes: seed % 2 == 0);
            var result = model.Search.Run();
            if (result.State is not { } state) continue;
            Assert.True(model.Search.IsInvariant(state, null));
            proved++;
            if (model.Search.IsInvariant(state, result.Names)) drawn++;
            var random = new Random(seed);
            for (var k = 0; k < 12; k++)
                if (Changed(state, random) is { } other && !model.IsInvariant(other)) refuted++;
        }

        Assert.True(proved >= Cases / 2 && drawn >= proved * 3 / 4 && refuted >= proved * 4, $"{proved} proved, {drawn} by drawn products; {refuted} changed ones refuted");
    }

    [Theory]
    [MemberData(nameof(RandomTransformers.Names), MemberType = typeof(RandomTransformers))]
    public void A_set_of_ties_is_refuted_where_one_weight_is_another(string family)
    {
        var refuted = 0;
        for (var seed = 1; seed <= Cases; seed++)
        {
            // Where many tensors are of one number throughout, nearly every unit is tied to others.
            void Even(ToyCheckpoint checkpoint)
            {
                var random = new Random(seed);
                foreach (var name in checkpoint.Names.Where(_ => random.Next(2) == 0)) Array.Fill(checkpoint[name], 0.25);
            }

            using var model = new Streamed(RandomTransformers.Draw(family, seed, Even));
            if (model.Search.Run().State is not { } state) continue;
            for (var k = 0; k < 8; k++)
            {
                using var other = new Streamed(RandomTransformers.Draw(family, seed, checkpoint =>
                {
                    Even(checkpoint);
                    var random = new Random(100 * seed + k);
                    string[] matrices = [.. checkpoint.Names.Where(name => checkpoint.Sizes(name).Length == 2)];
                    var values = checkpoint[matrices[random.Next(matrices.Length)]];
                    var place = random.Next(values.Length);
                    values[place] = random.Next(3) == 0 ? -values[place] : values[place] + 1;
                }));
                if (!other.IsInvariant(state)) refuted++;
            }
        }

        Assert.True(refuted > 0);
    }

    /// <summary>A checkpoint, read to be streamed.</summary>
    sealed class Streamed : IDisposable
    {
        readonly ToyCheckpoint _checkpoint;
        readonly IModelFile _file;
        readonly StreamedTensors _tensors;
        readonly RefinementOptions _options;

        public Streamed(ToyCheckpoint checkpoint, bool freezes = false)
        {
            _checkpoint = checkpoint;
            var options = new CheckOptions { Dropout = false, Freeze = freezes ? [checkpoint.Names.Last(name => checkpoint.Sizes(name).Length == 2)] : [] };
            _file = Check.Open(checkpoint.Path, options);
            var (sizes, step) = (new Sizes(_file, Check.Lowering(options)), 0);
            var model = sizes.Smallest(ref step);
            _options = Check.Refinement(options);
            _tensors = StreamedTensors.Of(model, least: 1);
            foreach (var matrix in _tensors.Trained.Concat(_tensors.Frozen)) matrix.Facts = StartScan.Of(matrix, _options).Facts;
            Search = new StreamedSearch(model, _tensors.Trained, _tensors.Frozen, _options);
        }

        public StreamedSearch Search { get; }

        /// <summary>Whether a set is invariant by computed products, as it must be if it is by drawn ones.</summary>
        public bool IsInvariant(StreamedState state)
        {
            var (computed, drawn) = (Search.IsInvariant(state, null), Search.IsInvariant(state, SliceNames.Of([.. _tensors.Trained, .. _tensors.Frozen], state, seed: 7, _options)));
            Assert.True(computed || !drawn);
            return computed;
        }

        public void Dispose()
        {
            _file.Dispose();
            _checkpoint.Dispose();
        }
    }

    // A smaller set than it should be: two rows or columns said to be alike, one with its sign changed, or weights said to stay that move.
    static StreamedState? Changed(StreamedState state, Random random)
    {
        var classes = state.Classes.ToArray();
        var matrix = random.Next(classes.Length);
        if (classes[matrix] is not { } own) return null;
        var isRows = random.Next(2) == 0;
        var axis = isRows ? own.Rows : own.Columns;
        var (keys, moving) = (axis.Keys.ToArray(), Enumerable.Range(0, axis.Moving.Length).Select(place => axis.Moving[place]).ToArray());
        var (from, to) = (random.Next(keys.Length), random.Next(keys.Length));
        switch (random.Next(5))
        {
            case 4:
                var (one, other) = (keys[from], keys[to]); // whole classes become one
                for (var k = 0; k < keys.Length; k++)
                    if (((keys[k] ^ other) & ~AxisKeys.SignBit) == 0) (keys[k], moving[k]) = (keys[k] ^ one ^ other, moving[from]);
                break;
            case 0:
                moving[to] = 0;
                break;
            case 1:
                keys[to] ^= AxisKeys.SignBit;
                break;
            default:
                (keys[to], moving[to]) = (keys[from] ^ (random.Next(4) == 0 ? AxisKeys.SignBit : 0), moving[from]);
                break;
        }

        var changed = new AxisKeys { Keys = keys, Moving = PlaceBits.Of(moving) };
        classes[matrix] = isRows ? new MatrixClasses(changed, own.Columns) : new MatrixClasses(own.Rows, changed);
        return new StreamedState(state.Kept, classes);
    }

    [Fact]
    public void Slices_are_named_by_what_stands_in_them_and_not_by_its_order()
    {
        for (var seed = 1; seed <= 40 * Cases; seed++)
        {
            var random = new Random(seed);
            var (rows, columns) = (random.Next(1, 40), random.Next(1, 40));
            var allMove = random.Next(2) == 0;
            var values = Enumerable.Range(0, rows * columns).Select(_ => random.Next(4) == 0 ? 0 : (double)random.Next(-3, 4)).ToArray();
            var (rowKeys, columnKeys) = (new Keys(rows, allMove, random), new Keys(columns, allMove, random));
            var order = Enumerable.Range(0, columns).ToArray();
            random.Shuffle(order);
            var plain = Hashes(values, rows, columns, rowKeys.Of(), columnKeys.Of());
            Assert.Equal(plain, Hashes([.. from i in Enumerable.Range(0, rows) from j in order select values[i * columns + j]], rows, columns, rowKeys.Of(), columnKeys.Of(order)));

            // Rows of a matrix are columns of its transpose.
            Assert.Equal(plain, HashesOfColumns([.. from j in Enumerable.Range(0, columns) from i in Enumerable.Range(0, rows) select values[i * columns + j]], columns, rows, columnKeys.Of(), rowKeys.Of()));

            // The negative of a column under the other sign is the same.
            var opposed = random.Next(columns);
            Assert.Equal(plain, Hashes([.. values.Select((value, k) => k % columns == opposed ? -value : value)], rows, columns, rowKeys.Of(), columnKeys.Of(opposed: opposed)));

            var (row, place) = (random.Next(rows), random.Next(columns));
            var other = values.ToArray();
            other[row * columns + place] += 5;
            var isSeen = allMove || columnKeys.Moving[place] != 0;
            Assert.Equal(plain.Where((_, k) => k != row || !isSeen), Hashes(other, rows, columns, rowKeys.Of(), columnKeys.Of()).Where((_, k) => k != row || !isSeen));
            if (isSeen) Assert.NotEqual(plain[row], Hashes(other, rows, columns, rowKeys.Of(), columnKeys.Of())[row]);
        }
    }

    static (ulong, ulong)[] Hashes(double[] values, int rows, int columns, SliceKeys rowKeys, SliceKeys columnKeys)
    {
        var matrix = Matrix(values, rows, columns);
        var hashes = Enumerable.Range(0, rows).Select(row => SliceHashes<Float32Bits>.OfRow(matrix.Bytes, rowKeys, columnKeys, row)).ToArray();
        GC.KeepAlive(matrix);
        return hashes;
    }

    static (ulong, ulong)[] HashesOfColumns(double[] values, int rows, int columns, SliceKeys rowKeys, SliceKeys columnKeys)
    {
        var matrix = Matrix(values, rows, columns);
        var (first, second) = (new ulong[columns], new ulong[columns]);
        SliceHashes<Float32Bits>.OfColumns(matrix.Bytes, rowKeys, columnKeys, 0, first, second);
        GC.KeepAlive(matrix);
        return [.. first.Zip(second)];
    }

    static StreamedMatrix Matrix(double[] values, int rows, int columns) => StreamedMatrix.Of(new ParameterTensor("w", new Shape(rows, columns), new DoubleTensor(values)), mostCopied: 1 << 20)!;

    sealed class Keys
    {
        readonly ulong[] _first;
        readonly ulong[] _second;
        readonly ulong[] _signs;
        readonly bool _allMove;

        public Keys(int places, bool allMove, Random random)
        {
            ulong[] Words(Func<ulong> word) => [.. Enumerable.Range(0, places).Select(_ => word())];
            (_first, _second, _signs, _allMove) = (Words(() => (ulong)random.NextInt64()), Words(() => (ulong)random.NextInt64()), Words(() => random.Next(2) == 0 ? 0 : AxisKeys.SignBit), allMove);
            Moving = Words(() => (ulong)random.Next(4));
        }

        public ulong[] Moving { get; }

        public unsafe SliceKeys Of(int[]? order = null, int opposed = -1)
        {
            var keys = new SliceKeys(_first.Length, _allMove, (5, 7));
            for (var k = 0; k < _first.Length; k++)
            {
                var place = order is null ? k : order[k];
                (keys.First[k], keys.Second[k], keys.Signs[k]) = (_first[place], _second[place], _signs[place] ^ (place == opposed ? AxisKeys.SignBit : 0));
                if (!_allMove) keys.Moving[k] = Moving[place];
            }

            return keys;
        }
    }
}
