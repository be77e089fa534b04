using Tiebreak.Formats.Tables;
using Tiebreak.Numbers;
using Tiebreak.Programs;
using Xunit;

namespace Tiebreak.Tests.Formats.Formulas;

public sealed class NpyFileTests
{
    static (Shape Shape, double[] Values) Read(byte[] bytes, long most = 1000)
    {
        var path = Path.GetTempFileName();
        try
        {
            File.WriteAllBytes(path, bytes);
            var (shape, values) = NpyFile.Read(path, most);
            var doubles = new double[values.Count];
            values.ReadDoubles(0, doubles);
            return (shape, doubles);
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Theory]
    [InlineData("<f2", 1)]
    [InlineData(">f2", 2)]
    [InlineData("<f4", 3)]
    [InlineData(">f4", 1)]
    [InlineData("<f8", 2)]
    [InlineData(">f8", 1)]
    public void Every_float_and_byte_order_is_read_exactly(string type, byte version)
    {
        double[] values = [0, -0.0, 1.5, -2, 65504, double.NaN, double.PositiveInfinity, Math.ScaleB(1, -14)];
        var (shape, read) = Read(NpyBytes.Make(type, false, [2, 4], values, version));
        Assert.Equal(new Shape(2, 4), shape);
        Assert.Equal(values, read);
    }

    [Fact]
    public void Fortran_order_is_turned_into_rows()
    {
        var (shape, read) = Read(NpyBytes.Make("<f4", true, [2, 3], [1, 4, 2, 5, 3, 6]));
        Assert.Equal(new Shape(2, 3), shape);
        Assert.Equal([1, 2, 3, 4, 5, 6], read);
        (_, read) = Read(NpyBytes.Make("<f8", true, [2, 1, 2, 2], [.. Enumerable.Range(0, 8).Select(k => (double)((k & 1) * 4 + (k & 2) + (k >> 2)))]));
        Assert.Equal(Enumerable.Range(0, 8).Select(k => (double)k), read);
    }

    [Fact]
    public void A_scalar_has_no_axes()
    {
        var (shape, read) = Read(NpyBytes.Raw("{'descr': '<f8', 'fortran_order': False, 'shape': (), }", BitConverter.GetBytes(2.5)));
        Assert.Equal(Shape.Scalar, shape);
        Assert.Equal([2.5], read);
    }

    public static TheoryData<string, byte[]> Broken
    {
        get
        {
            var good = NpyBytes.Make("<f4", false, [2, 2], [1, 2, 3, 4]);
            return new TheoryData<string, byte[]>
            {
                { "too short", [] },
                { "too short", good[..9] },
                { "does not begin with", [.. "PK"u8, .. good[2..]] },
                { "ends too early", good[..60] },
                { "should hold 16 bytes of numbers and holds 15", good[..^1] },
                { "should hold 16 bytes of numbers and holds 17", [.. good, 0] },
                { "version 9.0", [.. good[..6], 9, .. good[7..]] },
                { "dtype <i4", NpyBytes.Make("<i4", false, [1], []) },
                { "dtype |O", NpyBytes.Make("|O8", false, [1], []) },
                { "records", NpyBytes.Raw("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }", [0, 0, 0, 0]) },
                { "no shape", NpyBytes.Raw("{'descr': '<f4', 'fortran_order': False, }", []) },
                { "(fortran_order)", NpyBytes.Raw("{'descr': '<f4', 'fortran_order': 1, 'shape': (1,), }", []) },
                { "(shape)", NpyBytes.Raw("{'descr': '<f4', 'fortran_order': False, 'shape': (1", []) },
                { "(shape)", NpyBytes.Raw("{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }", []) },
                { "(shape)", NpyBytes.Raw("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,), }", []) },
                { "(shape)", NpyBytes.Raw("{'descr': '<f4', 'fortran_order': False, 'shape': ", []) },
                { "empty shape", NpyBytes.Make("<f4", false, [0, 4], []) },
                { "more than 1000 elements", NpyBytes.Make("<f4", false, [2000000000, 2000000000, 2000000000], []) },
                { "more than 16 axes", NpyBytes.Make("<f4", false, [.. Enumerable.Repeat(1, 17)], [1]) },
                { "header of", [0x93, .. "NUMPY"u8, 2, 0, 255, 255, 255, 255] },
            };
        }
    }

    [Theory]
    [MemberData(nameof(Broken))]
    public void A_damaged_file_is_refused_by_name(string message, byte[] bytes)
    {
        var error = Assert.Throws<TiebreakException>(() => Read(bytes));
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
        Assert.Contains(".tmp: ", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', error.Message);
    }

    [Fact]
    public void Any_cut_or_flipped_byte_is_read_or_refused()
    {
        var good = NpyBytes.Make("<f4", true, [2, 2], [1, 2, 3, 4]);
        for (var k = 0; k < good.Length; k += 3)
            foreach (var bytes in new[] { good[..k], [.. good[..k], (byte)(good[k] ^ 0x15), .. good[(k + 1)..]] })
                Assert.True(Record.Exception(() => Read(bytes)) is null or TiebreakException);
    }
}
