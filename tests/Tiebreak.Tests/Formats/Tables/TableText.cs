using System.Text;
using Tiebreak.Formats.Tables;
using Tiebreak.Numbers;
using Tiebreak.Tests.House;
using Xunit;

namespace Tiebreak.Tests.Formats.Tables;

/// <summary>Reads tables that a test has made.</summary>
static class TableText
{
    /// <summary>All values of the named fields (all, if none is named), field by field.</summary>
    public static Rational[][] Values(Table table, int rowsPerBlock = 1000, params string[] names)
    {
        var fields = Enumerable.Range(0, table.Fields.Count).Where(field => names.Length == 0 || names.Contains(table.Fields[field].Name)).ToArray();
        var values = fields.Select(_ => new List<Rational>()).ToArray();
        var rows = 0L;
        foreach (var block in table.Read(fields, rowsPerBlock, TestContext.Current.CancellationToken))
        {
            Assert.Equal(rows, block.FirstRow);
            Assert.InRange(block.Rows, 1, rowsPerBlock);
            rows += block.Rows;
            for (var k = 0; k < fields.Length; k++)
            {
                Assert.Equal(block.Rows * table.Fields[fields[k]].Shape.Count, block.Values[k].Count);
                for (var at = 0L; at < block.Values[k].Count; at++) values[k].Add(block.Values[k][at]);
            }
        }

        if (table.Rows is { } known) Assert.Equal(known, rows);
        return [.. values.Select(list => list.ToArray())];
    }

    public static T With<T>(byte[] content, string extension, Func<Table, T> use)
    {
        using var folder = new TemporaryFolder();
        var path = folder.File("table" + extension);
        File.WriteAllBytes(path, content);
        using var table = TableFile.Open(path);
        return use(table);
    }

    public static Rational[][] Read(byte[] content, string extension, int rowsPerBlock = 1000, params string[] names) => With(content, extension, table => Values(table, rowsPerBlock, names));

    public static Rational[][] Csv(string text, params string[] names) => Read(Encoding.UTF8.GetBytes(text), ".csv", 1000, names);

    /// <summary>The one-line message with which a table is refused, without its path.</summary>
    public static string Refused(byte[] content, string extension, params string[] names)
    {
        var error = Assert.Throws<TiebreakException>(() => Read(content, extension, 1000, names));
        Assert.DoesNotContain('\n', error.Message);
        var mark = error.Message.IndexOf($"table{extension}", StringComparison.Ordinal);
        Assert.True(mark >= 0, error.Message);
        return error.Message[(mark + extension.Length + 5)..].TrimStart(':', ' ');
    }

    public static string Refused(string text, params string[] names) => Refused(Encoding.UTF8.GetBytes(text), ".csv", names);
}
