using System.Globalization;
using System.Text;
using CsCheck;
using Tiebreak.Formats.Tables;
using Tiebreak.Numbers;
using Tiebreak.Programs;
using Xunit;

namespace Tiebreak.Tests.Formats.Tables;

public sealed class CsvTableTests
{
    [Fact]
    public void Columns_are_scalars_under_the_names_of_the_header() => TableText.With("x, price ,\"a \"\"b\"\"\"\n1,2,3\n"u8.ToArray(), ".csv", table =>
    {
        Assert.Equal(["x", "price", "a \"b\""], table.Fields.Select(field => field.Name));
        Assert.All(table.Fields, field => Assert.Equal((Shape.Scalar, false), (field.Shape, field.IsInteger)));
        Assert.Null(table.Rows);
        return true;
    });

    [Theory]
    [InlineData("a,b\n1,-2.5\n3e2,.5\n")]
    [InlineData("a,b\r\n1,-2.5\r\n3e2,.5\r\n")]
    [InlineData("a,b\r1,-2.5\r3e2,.5")]
    [InlineData("\uFEFFa,b\n1,-2.5\n3e2,.5\n\n\n")]
    [InlineData("a;b\n1;-2.5\n3e2;.5\n")]
    [InlineData("a\tb\n1\t-2.5\n3e2\t.5\n")]
    [InlineData("\"a\",b\n\"1\",\" -2.50 \"\n 3E+02 ,\t0.5\n")]
    [InlineData("\"a;x\",b\n1,-2.5\n\"300\",5e-1\n")]
    public void Every_way_to_write_a_table_is_read(string text) =>
        Assert.Equal([[1, 300], [Rational.Parse("-2.5"), Rational.Parse("0.5")]], TableText.Csv(text));

    [Fact]
    public void Tab_separated_files_may_have_commas_in_their_names() =>
        Assert.Equal([[1], [2]], TableText.Read("a,x\tb\n1\t2\n"u8.ToArray(), ".tsv"));

    [Fact]
    public void Whole_numbers_of_any_length_are_exact()
    {
        string[] numbers = ["9223372036854775807", "-9223372036854775808", "9223372036854775808", "00000000000000000000000012", new string('7', 500), "-0", "1." + new string('3', 40) + "e-20"];
        Assert.Equal(numbers.Select(number => Rational.Parse(number)), TableText.Csv("a\n" + string.Join('\n', numbers))[0]);
    }

    static readonly Gen<string> Decimals =
        from sign in Gen.Int[0, 2].Select(sign => new[] { "", "-", "+" }[sign])
        from whole in Gen.String[Gen.Char["0123456789"], 0, 25]
        from fraction in Gen.String[Gen.Char["0123456789"], 0, 25]
        from point in Gen.Bool
        from exponent in Gen.OneOf(Gen.Const(""), Gen.Int[-30, 30].Select(power => $"e{power}"), Gen.Int[-400, 400].Select(power => $"E{power:+000;-000}"))
        let digits = point ? $"{whole}.{fraction}" : whole
        select sign + (whole.Length + (point ? fraction.Length : 0) == 0 ? "0" : digits) + exponent;

    [Fact]
    public void Decimals_are_the_fractions_their_text_says() => Decimals.Array[1, 40].Sample(numbers =>
        TableText.Csv("t,a\n" + string.Concat(numbers.Select(number => $"x,{number}\n")), "a")[0].SequenceEqual(numbers.Select(number => Rational.Parse(number))), iter: 300);

    [Fact]
    public void Nearest_doubles_are_those_that_parsing_the_text_gives() => Decimals.Array[1, 40].Sample(numbers => TableText.With(Encoding.UTF8.GetBytes("a\n" + string.Join('\n', numbers)), ".csv", table =>
    {
        var read = new double[numbers.Length];
        table.Read([0], 1000, TestContext.Current.CancellationToken).Single().Values[0].ReadNearest(0, read);
        return numbers.Select(number => double.Parse(number, CultureInfo.InvariantCulture)).SequenceEqual(read);
    }), iter: 300);

    [Fact]
    public void A_text_column_is_fine_unless_it_is_asked_for()
    {
        Assert.Equal([[1, 2]], TableText.Csv("a,city\n1,Bonn\n2,\"New\nYork, NY\"\n", "a"));
        Assert.Equal("row 1 (line 2), column `city`: is the text \"Bonn\", not a number; encode texts as numbers, or leave the column out", TableText.Refused("a,city\n1,Bonn\n"));
    }

    [Fact]
    public void The_same_rows_come_in_blocks_of_any_size_and_when_read_again()
    {
        var text = Encoding.UTF8.GetBytes("a,b\n" + string.Concat(Enumerable.Range(0, 9000).Select(row => $"{row},{row % 7}.5{(row % 1000 == 0 ? "00000000000000000000001" : "")}\n")));
        TableText.With(text, ".csv", table =>
        {
            var whole = TableText.Values(table, 1_000_000);
            Assert.Equal(9000, whole[0].Length);
            foreach (var rows in new[] { 1, 7, 4095, 4096, 4097, 4500, 9000 }) Assert.Equal(whole, TableText.Values(table, rows));
            Assert.Equal(whole[1], TableText.Values(table, 100, "b")[0]);
            return true;
        });
    }

    [Fact]
    public void Rows_after_quoted_line_ends_are_named_with_their_line() => TableText.With("a,t\n1,\"x\ny\"\n2,\"p\r\nq\nr\"\n3,z\n"u8.ToArray(), ".csv", table =>
    {
        for (var again = 0; again < 2; again++)
        {
            TableText.Values(table, 1, "a");
            Assert.Equal(["row 1 (line 2)", "row 2 (line 4)", "row 3 (line 7)"], Enumerable.Range(0, 3).Select(row => table.PlaceOf(row)));
        }

        return true;
    });

    [Fact]
    public void Cancelling_ends_the_reading() => TableText.With("a\n1\n"u8.ToArray(), ".csv", table =>
        Assert.Throws<OperationCanceledException>(() => table.Read([0], 1, new CancellationToken(canceled: true)).Count()));

    [Theory]
    [InlineData("", "is empty; write or download it again")]
    [InlineData("\n\n", "has an empty first line; write the column names there")]
    [InlineData("a,b\n", "has a header but no rows; write at least one row below it")]
    [InlineData("a,b\n\n\n", "has a header but no rows; write at least one row below it")]
    [InlineData("1,2.5\n3,4\n", "has no header: its first line is numbers (1, 2.5); put a line with the column names above it")]
    [InlineData("a,b,a\n1,2,3\n", "names columns 1 and 3 both `a`; rename one of them")]
    [InlineData("a,b,\n1,2,3\n", "has no name for column 3 of 3 in its header; give it one, or drop the separator at the end of the line")]
    [InlineData("a,b\n1,2\n3\n", "row 2 (line 3): has 1 values and the header 2 columns; quote values that hold the separator, or fill the row in")]
    [InlineData("a,b\n1,2,3\n", "row 1 (line 2): has 3 values and the header 2 columns; quote values that hold the separator, or fill the row in")]
    [InlineData("a,b\n1,2\n\n3,4\n", "row 2 (line 3): is an empty line; drop it")]
    [InlineData("a,b\n1,2\n3,\n", "row 2 (line 3), column `b`: has no value; fill it in or drop the row")]
    [InlineData("a,b\n1,2\n3,\" \"\n", "row 2 (line 3), column `b`: has no value; fill it in or drop the row")]
    [InlineData("a,b\n1,NA\n", "row 1 (line 2), column `b`: has no value (NA); fill it in or drop the row")]
    [InlineData("a,b\n1,12x\n", "row 1 (line 2), column `b`: is the text \"12x\", not a number; encode texts as numbers, or leave the column out")]
    [InlineData("a,b\n1,1 2\n", "is the text \"1 2\", not a number")]
    [InlineData("a,b\n1,--2\n", "is the text \"--2\", not a number")]
    [InlineData("a,b\n1,2e\n", "is the text \"2e\", not a number")]
    [InlineData("a,b\n1,2e+\n", "is the text \"2e+\", not a number")]
    [InlineData("a,b\n1,0x10\n", "is the text \"0x10\", not a number")]
    [InlineData("a,b\n1,\"1,000\"\n", "is the text \"1,000\", not a number")]
    [InlineData("a,b\n1,٣\n", "is the text \"٣\", not a number")]
    [InlineData("a,b\n1,\"x\ny\"\n", "is the text \"x y\", not a number")]
    [InlineData("a;b\n1;2,5\n", "is \"2,5\", which is no number here; write decimals with a point")]
    [InlineData("a,b\n1,nan\n", "row 1 (line 2), column `b`: is nan; only finite numbers can be computed with: replace it or drop the row")]
    [InlineData("a,b\n1,-Infinity\n", "row 1 (line 2), column `b`: is -Infinity; only finite numbers")]
    [InlineData("a,b\n1,1e99999999999\n", "row 1 (line 2), column `b`: is a number of 13 characters (1e99999999999) beyond what is read")]
    [InlineData("a,b\n1,2\n\"3,4\n5,6\n", "row 2 (line 3): has a quote that is not closed, or text after a closed one; double the quotes inside of quoted values")]
    [InlineData("a,b\n\"1\"x,2\n", "row 1 (line 2): has a quote that is not closed, or text after a closed one")]
    [InlineData("a,b\n1,2\n\0\u0001,2\n", "is named like comma-separated text, but its content is binary; was it renamed, or saved as UTF-16?")]
    public void What_cannot_be_read_is_refused_in_one_line(string text, string message) => Assert.Contains(message, TableText.Refused(text), StringComparison.Ordinal);

    [Fact]
    public void Numbers_and_rows_beyond_bounds_are_refused()
    {
        Assert.Contains("at most 10000 characters", TableText.Refused("a\n" + new string('1', 10_001)), StringComparison.Ordinal);
        Assert.StartsWith("row 1 (line 2): is longer than 16777216 characters; is a quote left open", TableText.Refused("a,b\n1,\"" + new string('\n', 17_000_000)), StringComparison.Ordinal);
        Assert.Contains("is longer than 16777216 characters", TableText.Refused(new string('x', 17_000_000)), StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_not_utf8_is_refused() =>
        Assert.Equal("is not UTF-8; save the file as UTF-8", TableText.Refused([.. "a,b\n1,"u8, 0xE4, .. ",2\n"u8], ".csv"));

    [Fact]
    public void A_wrong_extension_or_no_file_is_refused()
    {
        Assert.Contains("the extension .xlsx is no known table; known are .csv", TableText.Refused([1], ".xlsx"), StringComparison.Ordinal);
        Assert.Contains("does not exist; check the path", Assert.Throws<TiebreakException>(() => TableFile.Open("nowhere.csv")).Message, StringComparison.Ordinal);
        Assert.Contains("is a folder; name a table", Assert.Throws<TiebreakException>(() => TableFile.Open(".")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Any_cut_or_changed_byte_is_read_or_refused()
    {
        var good = "a,\"b\"\r\n1,-2.5e3\r\n\"3\",\"4\"\r\n"u8.ToArray();
        Gen.Select(Gen.Int[0, good.Length], Gen.Byte, Gen.Int[0, good.Length - 1]).Sample((cut, value, at) =>
        {
            var bytes = good.ToArray();
            bytes[at] = value;
            return Record.Exception(() => TableText.Read(bytes[..cut], ".csv", 1)) is null or TiebreakException;
        }, iter: 500);
    }
}
