using System.Buffers.Binary;
using System.Globalization;
using System.IO.Compression;
using System.Numerics;
using CsCheck;
using Tiebreak.Formats.Tables;
using Tiebreak.Numbers;
using Tiebreak.Programs;
using Tiebreak.Tests.Formats.Formulas;
using Xunit;

namespace Tiebreak.Tests.Formats.Tables;

public sealed class NpyTableTests
{
    static byte[] Array(string type, int[] shape, params string[] values) => Laid(type, fortran: false, shape, values);

    static byte[] Laid(string type, bool fortran, int[] shape, params string[] values) =>
        NpyBytes.Raw($"{{'descr': '{type}', 'fortran_order': {fortran}, 'shape': ({string.Concat(shape.Select(size => $"{size}, "))}), }}", [.. values.SelectMany(value => Bytes(type, value))]);

    static byte[] Bytes(string type, string value)
    {
        var bytes = new byte[type[2] - '0'];
        switch (type[1])
        {
            case 'f' when bytes.Length == 2: BinaryPrimitives.WriteHalfLittleEndian(bytes, Half.Parse(value, CultureInfo.InvariantCulture)); break;
            case 'f' when bytes.Length == 4: BinaryPrimitives.WriteSingleLittleEndian(bytes, float.Parse(value, CultureInfo.InvariantCulture)); break;
            case 'f': BinaryPrimitives.WriteDoubleLittleEndian(bytes, double.Parse(value, CultureInfo.InvariantCulture)); break;
            default:
                var whole = BigInteger.Parse(value, CultureInfo.InvariantCulture);
                for (var k = 0; k < bytes.Length; k++, whole >>= 8) bytes[k] = (byte)(whole & 255);
                break;
        }

        if (type[0] == '>') System.Array.Reverse(bytes);
        return bytes;
    }

    static byte[] Archive(CompressionLevel level, params (string Name, byte[] Content)[] entries)
    {
        using var memory = new MemoryStream();
        using (var archive = new ZipArchive(memory, ZipArchiveMode.Create, leaveOpen: true))
            foreach (var (name, content) in entries)
            {
                using var stream = archive.CreateEntry(name, level).Open();
                stream.Write(content);
            }

        return memory.ToArray();
    }

    static Rational[] Rationals(params string[] values) => [.. values.Select(value => Rational.Parse(value))];

    [Theory]
    [InlineData("f2", "1.5,-2,65504,0.25")]
    [InlineData("f4", "1.5,-2,16777216,0.25")]
    [InlineData("f8", "1.5,-2,9007199254740993,0.25")]
    [InlineData("i1", "-128,127,0,-1")]
    [InlineData("i2", "-32768,32767,0,-1")]
    [InlineData("i4", "-2147483648,2147483647,0,-1")]
    [InlineData("i8", "-9223372036854775808,9223372036854775807,9007199254740993,-1")]
    [InlineData("u1", "255,128,0,1")]
    [InlineData("u2", "65535,32768,0,258")]
    [InlineData("u4", "4294967295,2147483648,0,66051")]
    [InlineData("u8", "18446744073709551615,9223372036854775808,0,9007199254740993")]
    [InlineData("b1", "1,0,1,1")]
    public void Every_type_is_read_exactly_in_both_byte_orders(string type, string numbers)
    {
        var texts = numbers.Split(',');
        var expected = Rationals([.. texts.Select(text => text == "9007199254740993" && type == "f8" ? "9007199254740992" : text)]);
        foreach (var order in type[1] == '1' ? "|" : "<>") Assert.Equal(expected, TableText.Read(Array(order + type, [4], texts), ".npy", 3)[0]);
    }

    [Fact]
    public void A_true_of_any_byte_is_one() => Assert.Equal([1, 0, 1], TableText.Read(NpyBytes.Raw("{'descr': '|b1', 'fortran_order': False, 'shape': (3,), }", [255, 0, 2]), ".npy")[0]);

    [Fact]
    public void The_first_axis_runs_over_the_samples_and_the_field_has_the_name_of_the_file() => TableText.With(Array("<i2", [2, 3, 2], [.. Enumerable.Range(0, 12).Select(k => $"{k}")]), ".npy", table =>
    {
        Assert.Equal([new TableField("table", new Shape(3, 2), IsInteger: true)], table.Fields);
        Assert.Equal(2, table.Rows);
        Assert.Equal("row 2", table.PlaceOf(1));
        Assert.Equal(Enumerable.Range(0, 12).Select(k => (Rational)k), TableText.Values(table, 1)[0]);
        return true;
    });

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(100)]
    public void Fortran_order_is_turned_into_samples(int rowsPerBlock)
    {
        // The number at (i, j, k) is 100 i + 10 j + k.
        var values = from k in Enumerable.Range(0, 4) from j in Enumerable.Range(0, 2) from i in Enumerable.Range(0, 3) select $"{100 * i + 10 * j + k}";
        var expected = from i in Enumerable.Range(0, 3) from j in Enumerable.Range(0, 2) from k in Enumerable.Range(0, 4) select (Rational)(100 * i + 10 * j + k);
        Assert.Equal(expected, TableText.Read(Laid("<f4", fortran: true, [3, 2, 4], [.. values]), ".npy", rowsPerBlock)[0]);
        Assert.Equal([1, 2, 3], TableText.Read(Laid("<i4", fortran: true, [3], "1", "2", "3"), ".npy", rowsPerBlock)[0]);
    }

    [Theory]
    [InlineData(CompressionLevel.NoCompression)]
    [InlineData(CompressionLevel.Optimal)]
    public void An_archive_has_a_field_for_each_array(CompressionLevel level)
    {
        var numbers = Enumerable.Range(0, 60_000).Select(k => $"{k * 7 % 1000}").ToArray();
        TableText.With(Archive(level, ("x.npy", Array("<i4", [20_000, 3], numbers)), ("y.npy", Array("<f4", [20_000], numbers[..20_000]))), ".npz", table =>
        {
            Assert.Equal([new TableField("x", new Shape(3), IsInteger: true), new TableField("y", Shape.Scalar, IsInteger: false)], table.Fields);
            Assert.Equal(20_000, table.Rows);
            var whole = TableText.Values(table, 1_000_000);
            Assert.Equal(numbers.Select(number => Rational.Parse(number)), whole[0]);
            Assert.Equal(numbers[..20_000].Select(number => Rational.Parse(number)), whole[1]);
            foreach (var rows in new[] { 333, 19_999, 20_000 }) Assert.Equal(whole, TableText.Values(table, rows));
            Assert.Equal(whole[1], TableText.Values(table, 100, "y")[0]);
            return true;
        });
    }

    [Fact]
    public void Several_readings_may_run_at_once() => TableText.With(Archive(CompressionLevel.Optimal, ("x.npy", Array("<i4", [4], "1", "2", "3", "4"))), ".npz", table =>
    {
        var both = table.Read([0], 1, TestContext.Current.CancellationToken).Zip(table.Read([0, 0], 1, TestContext.Current.CancellationToken));
        Assert.Equal([1, 2, 3, 4], both.Select(pair => pair.First.Values[0][0] == pair.Second.Values[1][0] ? pair.First.Values[0][0] : 0));
        return true;
    });

    public static TheoryData<string, byte[]> Broken
    {
        get
        {
            var good = Array("<f4", [2, 2], "1", "2", "3", "4");
            return new TheoryData<string, byte[]>
            {
                { "should hold 16 bytes of numbers and holds 15; it is truncated or damaged", good[..^1] },
                { "should hold 16 bytes of numbers and holds 17", [.. good, 0] },
                { "ends too early; it is truncated, save it again", good[..60] },
                { "does not begin like one", [.. "PK"u8, .. good[2..]] },
                { "holds no samples; its first axis is empty", Array("<f4", [0, 3]) },
                { "has an empty shape", Array("<f4", [3, 0]) },
                { "is a single number; the first axis must run over the samples", Array("<f4", [], "1") },
                { "has dtype |O (Python objects)", NpyBytes.Raw("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }", [0]) },
                { "has dtype <U5;", NpyBytes.Raw("{'descr': '<U5', 'fortran_order': False, 'shape': (1,), }", [0]) },
                { "has dtype <c8;", NpyBytes.Raw("{'descr': '<c8', 'fortran_order': False, 'shape': (1,), }", [0]) },
                { "holds records, not plain numbers", NpyBytes.Raw("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }", [0, 0, 0, 0]) },
                { "has samples of more than 67108864 numbers", Array("<f4", [1, 100_000, 100_000]) },
                { "row 2, `table`[1]: is NaN; only finite numbers can be computed with: replace it or drop the row", Array("<f4", [2, 2], "1", "2", "3", "NaN") },
                { "row 2, `table`: is -Infinity; only finite numbers", Array("<f8", [2], "1", "-Infinity") },
            };
        }
    }

    [Theory]
    [MemberData(nameof(Broken))]
    public void A_damaged_array_is_refused_by_name(string message, byte[] bytes) => Assert.Contains(message, TableText.Refused(bytes, ".npy"), StringComparison.Ordinal);

    public static TheoryData<string, byte[]> BrokenArchives
    {
        get
        {
            var good = Array("<f4", [2, 2], "1", "2", "3", "4");
            var archive = Archive(CompressionLevel.NoCompression, ("x.npy", good));
            return new TheoryData<string, byte[]>
            {
                { "holds 2 samples of `x` and 3 of `y`; all arrays must have as many", Archive(CompressionLevel.Fastest, ("x.npy", good), ("y.npy", Array("<f4", [3], "1", "2", "3"))) },
                { "holds `notes.txt`, which is no .npy array", Archive(CompressionLevel.Fastest, ("x.npy", good), ("notes.txt", good)) },
                { "holds `x.npy` twice", Archive(CompressionLevel.Fastest, ("x.npy", good), ("x.npy", good)) },
                { "holds no arrays", Archive(CompressionLevel.Fastest) },
                { "is a damaged archive", archive[..^10] },
                { "x.npy: should hold 16 bytes of numbers and holds 15", Archive(CompressionLevel.Fastest, ("x.npy", good[..^1])) },
                { "x.npy: is not a .npy file", Archive(CompressionLevel.Fastest, ("x.npy", [.. "PK"u8, .. good[2..]])) },
                { "row 1, `y`[1,0]: is NaN", Archive(CompressionLevel.Fastest, ("y.npy", Array("<f2", [1, 2, 1], "1", "NaN"))) },
            };
        }
    }

    [Theory]
    [MemberData(nameof(BrokenArchives))]
    public void A_damaged_archive_is_refused_by_name(string message, byte[] bytes) => Assert.Contains(message, TableText.Refused(bytes, ".npz"), StringComparison.Ordinal);

    [Fact]
    public void An_array_of_zeros_that_unpacks_to_more_than_declared_is_read_no_further()
    {
        // The entry holds more than its header says: the size that the archive declares for it does not fit.
        Assert.Contains("should hold 4 bytes of numbers and holds 100000004", TableText.Refused(Archive(CompressionLevel.Fastest, ("x.npy", [.. Array("<f4", [1], "1"), .. new byte[100_000_000]])), ".npz"), StringComparison.Ordinal);
    }

    [Fact]
    public void Only_requested_fields_must_be_finite() =>
        Assert.Equal([[1]], TableText.Read(Archive(CompressionLevel.Fastest, ("x.npy", Array("<f4", [1], "1")), ("y.npy", Array("<f4", [1], "NaN"))), ".npz", 1, "x"));

    [Fact]
    public void Any_cut_or_changed_byte_is_read_or_refused()
    {
        var array = Array("<i2", [2, 2], "1", "2", "3", "4");
        foreach (var (good, extension) in new[]
        {
            (array, ".npy"), (Laid("<f4", fortran: true, [2, 2], "1", "2", "3", "4"), ".npy"),
            (Archive(CompressionLevel.Optimal, ("x.npy", array), ("y.npy", array)), ".npz"), (Archive(CompressionLevel.NoCompression, ("x.npy", array)), ".npz"),
        })
            Gen.Select(Gen.Int[0, good.Length - 1], Gen.Byte, Gen.Bool, Gen.Int[1, good.Length]).Sample((at, value, cut, length) =>
            {
                var bytes = good.ToArray();
                bytes[at] = value;
                return Record.Exception(() => TableText.Read(cut ? bytes[..length] : bytes, extension, 1)) is null or TiebreakException;
            }, iter: 300);
    }
}
