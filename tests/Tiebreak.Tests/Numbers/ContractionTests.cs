using System.Numerics;
using CsCheck;
using Tiebreak.Numbers;
using Tiebreak.Numbers.Kernels;
using Xunit;

namespace Tiebreak.Tests.Numbers;

public sealed unsafe class ContractionTests
{
    public static TheoryData<string> Kernels => [.. Contractions.Available.Select(kernel => kernel.Name)];

    static readonly PrimeField Drawn = PrimeField.Draw(11);

    static readonly int[] Depths = [0, 1, 4, 5, 6, 7, 8, 13, 14, 15, 27, 28, 29, 30, 55, 56, 57, 63, 64, 65, 1007, 1008, 1009, 2016, 2017, 2500];

    [Theory, MemberData(nameof(Kernels))]
    public void Random_problems_agree_with_big_integers(string kernel)
    {
        var depth = Gen.Frequency((3, Gen.Int[0, 70]), (2, Gen.Int[0, Depths.Length - 1].Select(k => Depths[k])));
        var size = Gen.Frequency((3, Gen.Int[0, 9]), (1, Gen.Int[10, 40]));
        Gen.Select(size, size, depth, Gen.Int[1, 3], Gen.Int[1, 2], Gen.Int[0, 2], Gen.UInt).Sample((rows, columns, k, batch, threads, layout, seed) =>
        {
            if ((long)rows * columns * k * batch > 100_000) return;
            Check(kernel, new Mersenne61(), rows, columns, k, batch, threads, layout, Values.Random, seed);
            Check(kernel, Drawn, rows, columns, k, batch, threads, layout, Values.Mixed, seed);
        }, iter: 150, threads: 1);
    }

    [Theory, MemberData(nameof(Kernels))]
    public void Extreme_values_do_not_overflow_at_any_depth(string kernel)
    {
        foreach (var depth in Depths)
        {
            foreach (var values in new[] { Values.Least, Values.One, Values.Greatest, Values.HalfBelow, Values.HalfAbove, Values.LowLimb, Values.BothHalves })
            {
                // Four rows and one row of tiles, and the inner product (one row, contiguous depth).
                Check(kernel, new Mersenne61(), 5, 3, depth, 1, 1, 0, values, 1);
                Check(kernel, Drawn, 1, 2, depth, 1, 1, 1, values, 2);
            }
        }
    }

    [Theory, MemberData(nameof(Kernels))]
    public void A_very_deep_sum_of_extremes_does_not_overflow(string kernel)
    {
        foreach (var values in new[] { Values.HalfBelow, Values.HalfAbove, Values.BothHalves })
        {
            Check(kernel, new Mersenne61(), 1, 1, 300_000, 1, 1, 1, values, 1);
            Check(kernel, Drawn, 2, 5, 20_000, 1, 1, 0, values, 1);
        }
    }

    [Theory, MemberData(nameof(Kernels))]
    public void Blocks_and_threads_leave_no_seam(string kernel)
    {
        // More rows than a block has, more columns than a block has, both ways round; against the definition, which is checked above.
        foreach (var (rows, columns, depth, batch) in new[] { (261, 70, 9, 1), (3, 2_075, 33, 1), (2_075, 2, 1_010, 1), (37, 1_100, 6, 1), (1, 100, 9, 60), (8, 8, 8, 200) })
        {
            foreach (var layout in new[] { 0, 1, 2 })
            {
                var problem = new Case<Mersenne61>(new Mersenne61(), rows, columns, depth, batch, layout, Values.Mixed, 5);
                var expected = problem.Run(Contractions.Available[0], 1);
                Assert.Equal(expected, problem.Run(Find(kernel), 1));
                Assert.Equal(expected, problem.Run(Find(kernel), 2));
                Assert.Equal(expected, problem.Run(Find(kernel), 7));
            }
        }
    }

    [Fact]
    public void Sizes_that_do_not_match_are_refused()
    {
        var cell = stackalloc ulong[1];
        Assert.Throws<ArgumentException>(() => Call([0], [0], [0], [0, 0], [0], [0], 1));
        Assert.Throws<ArgumentException>(() => Call([0], [0], [0], [0], [0, 0], [0], 1));
        Assert.Throws<ArgumentException>(() => Call([0], [0], [0], [0], [0], [0, 0], 1));
        Assert.Throws<ArgumentException>(() => Call([0], [0], [0], [0], [0], [0], 0));
        Call([], [0], [0], [0], [], [0], 1);

        void Call(int[] leftRows, int[] leftDepth, int[] rightColumns, int[] rightDepth, int[] outRows, int[] outColumns, int threads) =>
            Contractions.Multiply(new Mersenne61(), cell, leftRows, leftDepth, cell, rightColumns, rightDepth, cell, outRows, outColumns, threads);
    }

    static IContraction Find(string name) => Contractions.Available.Single(kernel => string.Equals(kernel.Name, name, StringComparison.Ordinal));

    static void Check<TField>(string kernel, TField field, int rows, int columns, int depth, int batch, int threads, int layout, Values values, uint seed) where TField : struct, IField
    {
        var problem = new Case<TField>(field, rows, columns, depth, batch, layout, values, seed);
        var actual = problem.Run(Find(kernel), threads);
        var expected = problem.Judge();
        Assert.True(expected.AsSpan().SequenceEqual(actual), $"{kernel}, p = {field.Modulus}: {rows} x {columns} x {depth}, batch {batch}, {threads} threads, layout {layout}, {values}, seed {seed}");
    }

    public enum Values { Random, Mixed, Least, One, Greatest, HalfBelow, HalfAbove, LowLimb, BothHalves }

    /// <summary>One problem with its memory; layout 0 has scattered offsets, 1 is contiguous in depth, 2 in columns.</summary>
    sealed class Case<TField> where TField : struct, IField
    {
        const ulong Untouched = 0xDEAD;

        readonly TField _field;
        readonly ulong[] _left, _right;
        readonly int[] _leftBatch, _leftRows, _leftDepth, _rightBatch, _rightColumns, _rightDepth, _outBatch, _outRows, _outColumns;
        readonly int _origin, _outputs;

        public Case(TField field, int rows, int columns, int depth, int batch, int layout, Values values, uint seed)
        {
            _field = field;
            var random = new Random((int)seed);
            _origin = layout == 0 ? 300 : 0;
            int[] Scattered(int count) => Enumerable.Range(0, count).Select(_ => random.Next(-100, 101)).ToArray();
            static int[] Strided(int count, int stride) => Enumerable.Range(0, count).Select(k => k * stride).ToArray();
            (_leftBatch, _leftRows, _leftDepth) = layout == 0 ? (Scattered(batch), Scattered(rows), Scattered(depth))
                : layout == 1 ? (Strided(batch, rows * depth), Strided(rows, depth), Strided(depth, 1)) : (Strided(batch, rows * depth), Strided(rows, 1), Strided(depth, rows));
            (_rightBatch, _rightColumns, _rightDepth) = layout == 0 ? (Scattered(batch), Scattered(columns), Scattered(depth))
                : layout == 1 ? (Strided(batch, columns * depth), Strided(columns, depth), Strided(depth, 1)) : (Strided(batch, columns * depth), Strided(columns, 1), Strided(depth, columns));
            // The output upside down and with gaps, which must stay as they were.
            _outputs = 2 * rows * columns * batch + 1;
            _outBatch = Strided(batch, 2 * rows * columns);
            (_outRows, _outColumns) = layout == 2 ? (Strided(rows, 1), Strided(columns, 2 * rows)) : (Strided(rows, 2 * columns).Reverse().ToArray(), Strided(columns, 1));
            var p = field.Modulus;
            ulong Draw() => (ulong)random.NextInt64((long)p);
            ulong Value(bool isLeft) => values switch
            {
                Values.Random => Draw(),
                Values.Mixed => random.Next(8) switch { 0 => 0, 1 => 1, 2 => p - 1, 3 => p / 2, 4 => p / 2 + 1, _ => Draw() },
                Values.Least => 0,
                Values.One => 1,
                Values.Greatest => p - 1,
                Values.HalfBelow => p / 2,
                Values.HalfAbove => p / 2 + 1,
                Values.LowLimb => (1UL << 59) + (1UL << 30), // its low limb is −2³⁰
                _ => isLeft ? p / 2 : p / 2 + 1,             // large products of unlike signs
            };
            _left = Enumerable.Range(0, layout == 0 ? 601 : Math.Max(1, rows * depth * batch)).Select(_ => Value(true)).ToArray();
            _right = Enumerable.Range(0, layout == 0 ? 601 : Math.Max(1, columns * depth * batch)).Select(_ => Value(false)).ToArray();
        }

        public ulong[] Run(IContraction kernel, int threads)
        {
            var output = new ulong[_outputs];
            Array.Fill(output, Untouched);
            fixed (ulong* left = _left, right = _right, to = output)
            {
                Contractions.Multiply(kernel, _field, left + _origin, _leftBatch, _leftRows, _leftDepth, right + _origin, _rightBatch, _rightColumns, _rightDepth, to, _outBatch, _outRows, _outColumns, threads);
            }
            return output;
        }

        public ulong[] Judge()
        {
            var output = new ulong[_outputs];
            Array.Fill(output, Untouched);
            for (var b = 0; b < _leftBatch.Length; b++)
            {
                for (var m = 0; m < _leftRows.Length; m++)
                {
                    for (var n = 0; n < _rightColumns.Length; n++)
                    {
                        var sum = BigInteger.Zero;
                        for (var k = 0; k < _leftDepth.Length; k++)
                        {
                            sum += (BigInteger)_left[_origin + _leftBatch[b] + _leftRows[m] + _leftDepth[k]] * _right[_origin + _rightBatch[b] + _rightColumns[n] + _rightDepth[k]];
                        }
                        output[_outBatch[b] + _outRows[m] + _outColumns[n]] = (ulong)(sum % _field.Modulus);
                    }
                }
            }
            return output;
        }
    }
}
