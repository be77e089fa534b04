using System.Numerics;
using CsCheck;
using Tiebreak.Numbers;
using Tiebreak.Numbers.Kernels;
using Xunit;

namespace Tiebreak.Tests.Numbers;

/// <summary>Every kernel this machine has, against whole numbers of any size.</summary>
public sealed class ContractionTests
{
    public static TheoryData<string> Kernels => [.. Contractions.Available.Select(kind => kind.ToString())];

    static readonly PrimeField Drawn = PrimeField.Draw(99);

    [Theory]
    [MemberData(nameof(Kernels))]
    public void Random_products_agree_with_whole_numbers(string kernel)
    {
        var sizes = Gen.Select(Gen.Int[0, 3], Gen.Int[0, 21], Gen.Int[0, 37], Gen.OneOf(Gen.Int[0, 40], Gen.Int[50, 70]));
        Gen.Select(sizes, Gen.ULong, Gen.Bool, Gen.Int[1, 2]).Sample((size, seed, drawn, threads) =>
        {
            var (batch, rows, columns, depth) = size;
            var problem = new Problem(batch, rows, columns, depth, seed);
            if (drawn) problem.Check(Drawn, Enum.Parse<KernelKind>(kernel), threads);
            else problem.Check(default(Mersenne61), Enum.Parse<KernelKind>(kernel), threads);
        }, iter: 400);
    }

    [Theory]
    [MemberData(nameof(Kernels))]
    public void The_largest_values_do_not_overflow_at_any_depth(string kernel)
    {
        foreach (var depth in new[] { 6, 7, 8, 27, 28, 29, 30, 56, 57, 2047, 2048, 2049, 5000 })
            foreach (var extreme in new Func<ulong, ulong>[] { p => p - 1, p => p / 2, p => p / 2 + 1, p => 1, p => p / 2 - (1UL << 30), p => p / 2 + 1 + (1UL << 30) })
            {
                new Problem(1, 5, 17, depth, extreme).Check(default(Mersenne61), Enum.Parse<KernelKind>(kernel), 1);
                new Problem(1, 5, 17, depth, extreme).Check(Drawn, Enum.Parse<KernelKind>(kernel), 1);
            }
    }

    [Fact]
    public void Limbs_are_exact_and_within_their_bounds()
    {
        foreach (var modulus in new[] { Mersenne61.Prime, Drawn.Modulus })
            Gen.OneOf(Gen.ULong.Select(word => word % modulus), Chosen.From(0UL, 1UL, modulus - 1, modulus / 2, modulus / 2 + 1)).Sample(value =>
            {
                var packed = Limbs.Pack(value, modulus);
                long low = (int)packed, high = packed >> 32;
                Assert.InRange(low, -(1L << 30), (1L << 30) - 1);
                Assert.InRange(high, -(1L << 29), 1L << 29);
                Assert.Equal(value, (ulong)((low + ((Int128)high << 31) + modulus) % modulus));
            });
    }

    /// <summary>A batch of products with offsets of every kind: contiguous, strided, repeated, backwards.</summary>
    sealed unsafe class Problem
    {
        readonly int[] _leftBatch, _leftRows, _leftDepth, _rightBatch, _rightColumns, _rightDepth;
        readonly int _batch, _rows, _columns, _depth;
        readonly Func<ulong, int, ulong> _value;
        int _leftSize, _rightSize;

        public Problem(int batch, int rows, int columns, int depth, ulong seed)
            : this(batch, rows, columns, depth, new Random((int)seed)) =>
            _value = (modulus, index) => (ulong)index % 5 == 0 ? modulus - 1 - (ulong)index % 3 : new RandomFunction(seed, 1).Below(modulus, (ulong)index);

        public Problem(int batch, int rows, int columns, int depth, Func<ulong, ulong> extreme)
            : this(batch, rows, columns, depth, new Random(depth)) => _value = (modulus, _) => extreme(modulus);

        Problem(int batch, int rows, int columns, int depth, Random random)
        {
            _value = (_, _) => 0;
            (_batch, _rows, _columns, _depth) = (batch, rows, columns, depth);
            (_leftBatch, _leftRows, _leftDepth) = Operand(rows, out _leftSize);
            (_rightBatch, _rightColumns, _rightDepth) = Operand(columns, out _rightSize);

            // Row-major, transposed, overlapping windows, or all in one place.
            (int[], int[], int[]) Operand(int outer, out int size)
            {
                var (outerStride, depthStride) = random.Next(5) switch
                {
                    0 => (depth, 1),
                    1 => (1, outer),
                    2 => (1, 1),
                    3 => (0, 1),
                    _ => (2, 3),
                };
                var backwards = random.Next(4) == 0;
                var span = outer * outerStride + depth * depthStride + 1;
                size = span * Math.Max(1, batch);
                int[] Offsets(int count, int stride, bool flip) => [.. Enumerable.Range(0, count).Select(i => (flip ? count - 1 - i : i) * stride)];
                return (Offsets(batch, span, false), Offsets(outer, outerStride, backwards), Offsets(depth, depthStride, false));
            }
        }

        public void Check<TField>(TField field, KernelKind kernel, int threads) where TField : struct, IField
        {
            var left = Enumerable.Range(0, _leftSize).Select(i => _value(field.Modulus, i)).ToArray();
            var right = Enumerable.Range(0, _rightSize).Select(i => _value(field.Modulus, i + 1000)).ToArray();
            var output = new ulong[_batch * _rows * _columns + 1];
            int[] Offsets(int count, int stride) => [.. Enumerable.Range(0, count).Select(i => i * stride)];
            int[] batches = Offsets(_batch, _rows * _columns), rows = Offsets(_rows, _columns), columns = Offsets(_columns, 1);
            Array.Fill(output, 12345UL);
            fixed (ulong* l = left, r = right, o = output)
                Contractions.Multiply(field, new(l, _leftBatch, _leftRows, _leftDepth), new(r, _rightBatch, _rightColumns, _rightDepth), new(o, batches, rows, columns), threads, kernel);

            Assert.Equal(12345UL, output[^1]);
            for (var b = 0; b < _batch; b++)
                for (var m = 0; m < _rows; m++)
                    for (var n = 0; n < _columns; n++)
                    {
                        var sum = BigInteger.Zero;
                        for (var k = 0; k < _depth; k++)
                            sum += (BigInteger)left[_leftBatch[b] + _leftRows[m] + _leftDepth[k]] * right[_rightBatch[b] + _rightColumns[n] + _rightDepth[k]];
                        Assert.Equal((ulong)(sum % field.Modulus), output[batches[b] + rows[m] + columns[n]]);
                    }
        }
    }
}
