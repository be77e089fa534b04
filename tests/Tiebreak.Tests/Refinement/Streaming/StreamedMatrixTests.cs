using System.Runtime.InteropServices;
using Tiebreak.Formats;
using Tiebreak.Numbers;
using Tiebreak.Numbers.Kernels.Streaming;
using Tiebreak.Programs;
using Tiebreak.Refinement;
using Tiebreak.Refinement.Streaming;
using Tiebreak.Tests.House;
using Xunit;

namespace Tiebreak.Tests.Refinement.Streaming;

/// <summary>Products with streamed matrices are those of their values, one by one (theory §6).</summary>
public sealed unsafe class StreamedMatrixTests
{
    static readonly int Cases = 60 * Judge.Agreement.More;
    static readonly RefinementOptions Options = new();

    [Fact]
    public void Products_are_sums_of_values()
    {
        for (var seed = 1; seed <= Cases; seed++)
        {
            var random = new Random(seed);
            var (rows, columns, count) = (random.Next(1, 90), random.Next(1, 90), random.Next(1, 7));
            if (seed % 10 == 0) (rows, columns) = (random.Next(1, 4) * 700, random.Next(1, 4) * 300);
            var matrix = Draw(random, rows, columns);
            matrix.Facts = StartScan.Of(matrix, Options).Facts;
            var keys = seed % 3 == 0 ? null : new MatrixKeys(Words(random, rows), Words(random, columns));
            Compare(default(Mersenne61), matrix, keys, count, random);
            Compare(PrimeField.Draw((ulong)seed), matrix, keys, count, random);
        }
    }

    [Fact]
    public void Products_are_sums_of_values_in_half_precision()
    {
        using var folder = new TemporaryFolder();
        for (var seed = 1; seed <= Cases / 2; seed++)
        {
            var random = new Random(seed);
            var (rows, columns, format) = (random.Next(1, 90), random.Next(1, 90), seed % 2 == 0 ? FloatFormat.BFloat16 : FloatFormat.Float16);
            var (stored, last) = format == FloatFormat.BFloat16 ? (7, 254) : (10, 30); // bits of significands, the greatest exponent
            var (lowest, spread, rare) = (random.Next(last), random.Next(1, 24), random.Next(1, 200));
            var words = new ushort[rows * columns];
            for (var k = 0; k < words.Length; k++)
            {
                var exponent = random.Next(rare) == 0 ? random.Next(lowest + 1) : Math.Min(last, lowest + random.Next(spread));
                words[k] = random.Next(20) == 0 ? (ushort)(random.Next(2) << 15) : (ushort)(random.Next(2) << 15 | exponent << stored | random.Next(1 << stored));
            }

            File.WriteAllBytes(folder.File("w"), MemoryMarshal.AsBytes(words.AsSpan()).ToArray());
            using var file = new MappedFile(folder.File("w"));
            var matrix = StreamedMatrix.Of(new ParameterTensor("w", new Shape(rows, columns), new MappedTensor(new ByteRange(file, 0, 2L * words.Length), format)), mostCopied: 0)!;
            matrix.Facts = StartScan.Of(matrix, Options).Facts;
            foreach (var keys in new[] { null, new MatrixKeys(Words(random, rows), Words(random, columns)) }) Compare(PrimeField.Draw((ulong)seed), matrix, keys, random.Next(1, 6), random);
        }
    }

    [Fact]
    public void A_zero_has_no_sign()
    {
        float[] values = [.. Enumerable.Range(0, 60).Select(k => k % 20 == 3 ? 0f : k % 20)];
        values[23] = -0f;
        values[56] = 7f;
        var (_, rows) = StartScan.Of(Matrix(values, 3, 20), Options);
        Assert.Equal(rows[0], rows[1]);
        Assert.NotEqual(rows[0], rows[2]);
        float[] turned = [.. Enumerable.Range(0, 60).Select(k => values[k % 3 * 20 + k / 3])];
        var columns = StartScan.ColumnHashes(Matrix(turned, 20, 3), Options);
        Assert.Equal(columns[0], columns[1]);
        Assert.NotEqual(columns[0], columns[2]);
    }

    [Fact]
    public void Few_small_weights_need_no_window_of_their_own()
    {
        var matrix = Matrix([.. Enumerable.Range(0, 400).Select(k => k % 100 == 7 ? 1e-30f / (k + 1) : 1f + k)], 20, 20);
        matrix.Facts = StartScan.Of(matrix, Options).Facts;
        Assert.Equal([(0, 7), (5, 7), (10, 7), (15, 7)], matrix.Facts.FewSmall!);
        var many = Matrix([.. Enumerable.Range(0, 400).Select(k => k % 7 == 0 ? 1e-30f : 1f + k)], 20, 20);
        Assert.Null(StartScan.Of(many, Options).Facts.FewSmall);
    }

    [Fact]
    public void Values_depend_on_size_sign_and_keys_alone()
    {
        var values = default(RandomValues<SomeZeros>);
        var random = new Random(7);
        var seen = new HashSet<(int, int)>();
        for (var k = 0; k < 20_000; k++)
        {
            var (bits, row, column) = ((uint)random.NextInt64(1, int.MaxValue), (ulong)random.NextInt64(), (ulong)random.NextInt64());
            const uint Sign = 1u << 31;
            var value = values.One(bits, row, column);
            Assert.True(seen.Add(value)); // by chance once in 10⁹ runs
            var negative = values.One(bits ^ Sign, row ^ Sign, column);
            Assert.Equal(-RandomValues<SomeZeros>.Whole(value.Low, value.High), RandomValues<SomeZeros>.Whole(negative.Low, negative.High));
            Assert.Equal(value, values.One(bits, row ^ Sign, column ^ Sign));
            Assert.NotEqual(value, values.One(bits, row ^ Sign, column));
            var zero = values.One(0, row, column);
            var opposite = values.One(0, row ^ Sign, column);
            Assert.Equal(zero, values.One(Sign, row, column)); // −0 is 0
            Assert.Equal(-RandomValues<SomeZeros>.Whole(zero.Low, zero.High), RandomValues<SomeZeros>.Whole(opposite.Low, opposite.High));
        }
    }

    [Fact]
    public void A_scan_finds_zeros_sizes_and_what_is_not_finite()
    {
        var plain = Matrix([1f, -2f, 0.5f, 3f, 1f, 1f], 2, 3);
        var (facts, _) = StartScan.Of(plain, Options);
        Assert.Equal((false, true, 126, 128), (facts.HasZeros, facts.IsFinite, facts.LeastExponent, facts.GreatestExponent));
        Assert.True(StartScan.Of(Matrix([1f, -0f], 1, 2), Options).Facts.HasZeros);
        Assert.False(StartScan.Of(Matrix([1f, float.NaN], 1, 2), Options).Facts.IsFinite);
        Assert.False(StartScan.Of(Matrix([.. Enumerable.Repeat(1f, 100), float.NegativeInfinity], 1, 101), Options).Facts.IsFinite);
        var (_, hashes) = StartScan.Of(Matrix([1f, 2f, 1f, 2f, 2f, 1f], 3, 2), Options);
        Assert.Equal(hashes[0], hashes[1]);
        Assert.NotEqual(hashes[0], hashes[2]);
    }

    static void Compare<TField>(TField field, StreamedMatrix matrix, MatrixKeys? keys, int count, Random random) where TField : struct, IField
    {
        foreach (var overRows in new[] { false, true })
        {
            var (summed, made) = overRows ? (matrix.Rows, matrix.Columns) : (matrix.Columns, matrix.Rows);
            var vectors = new ulong[count * summed];
            for (var k = 0; k < vectors.Length; k++) vectors[k] = random.Next(8) == 0 ? field.Modulus - 1 : (ulong)random.NextInt64() % field.Modulus;
            var results = new ulong[count * made];
            fixed (ulong* from = vectors)
            fixed (ulong* to = results) matrix.Multiply(field, keys, overRows, from, count, to, Options);
            foreach (var t in Enumerable.Range(0, count))
            {
                foreach (var n in Enumerable.Range(0, made).Where(n => made < 100 || n % 37 == 0))
                {
                    var sum = 0UL;
                    for (var k = 0; k < summed; k++)
                        sum = field.Add(sum, field.Multiply(vectors[t * summed + k], Value(field, matrix, keys, overRows ? k : n, overRows ? n : k)));
                    Assert.Equal(sum, results[t * made + n]);
                }
            }
        }
    }

    static ulong Value<TField>(TField field, StreamedMatrix matrix, MatrixKeys? keys, int row, int column) where TField : struct, IField
    {
        var bits = matrix.Bits(row, column);
        if (keys is null) return field.Image(BitConverter.UInt32BitsToSingle(bits));
        var (low, high) = default(RandomValues<SomeZeros>).One(bits, keys.Rows[row], keys.Columns[column]);
        return field.Reduce((Int128)RandomValues<SomeZeros>.Whole(low, high));
    }

    // Numbers of very different sizes, some zeros, some subnormal, some as large as they come.
    static StreamedMatrix Draw(Random random, int rows, int columns)
    {
        var values = new float[rows * columns];
        var (spread, zeros) = (random.Next(1, 254), random.Next(2));
        // In half of the matrices nearly all numbers are of about one size.
        var (isNarrow, rare) = (random.Next(2) == 0, random.Next(1, 200));
        var lowest = random.Next(0, 254 - 24);
        var significand = new[] { 0x7FFFFFu, 0x7FE000u, 0x7F0000u, 0u }[random.Next(4)]; // float32, float16, bfloat16, powers of two
        for (var k = 0; k < values.Length; k++)
        {
            var bits = (uint)random.NextInt64(1L << 32);
            var exponent = !isNarrow ? random.Next(spread) : random.Next(rare) == 0 ? random.Next(lowest + 1) : lowest + random.Next(24);
            values[k] = BitConverter.UInt32BitsToSingle(bits & (1u << 31 | significand) | (uint)exponent << 23);
            if (zeros == 1 && random.Next(9) == 0) values[k] = random.Next(2) == 0 ? 0f : -0f;
        }

        return Matrix(values, rows, columns);
    }

    static StreamedMatrix Matrix(float[] values, int rows, int columns) =>
        StreamedMatrix.Of(new ParameterTensor("w", new Shape(rows, columns), new DoubleTensor([.. values.Select(value => (double)value)])), mostCopied: 1 << 24)!;

    static ulong[] Words(Random random, int count) => [.. Enumerable.Range(0, count).Select(_ => (ulong)random.NextInt64())];
}
