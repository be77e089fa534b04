using Tiebreak.Numbers;
using Tiebreak.Programs;

namespace Tiebreak.Formats.Tables;

/// <summary>Some neighbouring rows of a table as values of a model's data leaves.</summary>
public sealed class SampleBlock
{
    /// <summary>The first row, counted from 0.</summary>
    public required long FirstRow { get; init; }

    /// <summary>How many rows.</summary>
    public required int Rows { get; init; }

    /// <summary>The values of each leaf of the program, by its name.</summary>
    public required IReadOnlyDictionary<string, LeafValues> Leaves { get; init; }

    /// <summary>A block of other rows of this one, in memory of its own.</summary>
    /// <param name="rows">Rows counted within this block.</param>
    public SampleBlock Pick(IReadOnlyList<int> rows) => new()
    {
        FirstRow = rows.Count > 0 ? FirstRow + rows[0] : FirstRow,
        Rows = rows.Count,
        Leaves = Leaves.ToDictionary(leaf => leaf.Key, leaf => leaf.Value.Pick(rows), StringComparer.Ordinal),
    };

    /// <summary>What some neighbouring rows supply to a leaf, as the nearest doubles; null if nothing. Beyond the last row it goes on with the first.</summary>
    /// <param name="leaf">The leaf's name.</param>
    /// <param name="shape">Its sizes for that many rows.</param>
    /// <param name="first">The first row, counted within this block.</param>
    /// <param name="count">How many rows.</param>
    public double[]? Floats(string leaf, Shape shape, int first, int count)
    {
        if (!Leaves.TryGetValue(leaf, out var given)) return null;
        var values = new double[shape.Count];
        var width = values.Length / count;
        for (var k = 0; k < count; k++)
        {
            var row = (first + k) % Rows;
            var to = values.AsSpan(k * width, width);
            if (given is IndexValues indices)
            {
                for (var place = 0; place < indices.Places; place++) to[place * indices.Choices + indices.Indices[row * indices.Places + place]] = 1;
                continue;
            }

            var numbers = (NumberValues)given;
            var offset = 0;
            for (var column = 0; column < numbers.Columns.Count; offset += numbers.Widths[column++])
                numbers.Columns[column].ReadNearest((long)row * numbers.Widths[column], to.Slice(offset, numbers.Widths[column]));
        }

        return values;
    }

    /// <summary>Several blocks of the same leaves one after the other.</summary>
    public static SampleBlock Join(IReadOnlyList<SampleBlock> blocks) => new()
    {
        FirstRow = blocks[0].FirstRow,
        Rows = blocks.Sum(block => block.Rows),
        Leaves = blocks[0].Leaves.ToDictionary(leaf => leaf.Key, leaf => leaf.Value.Join([.. blocks.Select(block => block.Leaves[leaf.Key])]), StringComparer.Ordinal),
    };
}

/// <summary>What some rows supply to one leaf.</summary>
public abstract class LeafValues
{
    /// <summary>Copies some rows.</summary>
    public abstract LeafValues Pick(IReadOnlyList<int> rows);

    /// <summary>Copies the rows of several, of the kind of this one.</summary>
    public abstract LeafValues Join(IReadOnlyList<LeafValues> parts);

    /// <summary>A copy in which one element of the first row is another one: a number that stands nowhere else, or for look-ups the given pick.</summary>
    public abstract LeafValues Change(int element, int? pick);
}

/// <summary>Numbers: the leaf's elements of a row are the columns' elements one after the other.</summary>
public sealed class NumberValues(IReadOnlyList<ExactTensor> columns, IReadOnlyList<int> widths) : LeafValues
{
    /// <summary>For each column its values, row after row.</summary>
    public IReadOnlyList<ExactTensor> Columns => columns;

    /// <summary>How many elements each column has in a row.</summary>
    public IReadOnlyList<int> Widths => widths;

    /// <inheritdoc/>
    public override LeafValues Pick(IReadOnlyList<int> rows) =>
        new NumberValues([.. columns.Select((column, k) => ExactRows.Pick(column, widths[k], rows))], widths);

    /// <inheritdoc/>
    public override LeafValues Change(int element, int? pick)
    {
        var column = 0;
        for (; element >= widths[column]; column++) element -= widths[column];
        var other = new Rational(1_234_567, 7_654_321); // no data has this number
        return new NumberValues(
            [.. columns.Select((values, k) => k == column ? new RationalTensor([.. Enumerable.Range(0, (int)values.Count).Select(i => i == element ? other : values[i])]) : values)], widths);
    }

    /// <inheritdoc/>
    public override LeafValues Join(IReadOnlyList<LeafValues> parts) =>
        new NumberValues([.. columns.Select((_, k) => ExactRows.Join([.. parts.Select(part => ((NumberValues)part).Columns[k])]))], widths);
}

/// <summary>Which row of a table, or which class, each place picks; the leaf is 1 there and 0 elsewhere along its last axis.</summary>
public sealed class IndexValues(int[] indices, int places, int choices) : LeafValues
{
    /// <summary>The picks, <see cref="Places"/> a row.</summary>
    public int[] Indices => indices;

    /// <summary>How many places a row has.</summary>
    public int Places => places;

    /// <summary>Out of how many.</summary>
    public int Choices => choices;

    /// <inheritdoc/>
    public override LeafValues Pick(IReadOnlyList<int> rows) =>
        new IndexValues([.. rows.SelectMany(row => indices.AsSpan(row * places, places).ToArray())], places, choices);

    /// <inheritdoc/>
    public override LeafValues Change(int element, int? pick) =>
        new IndexValues([.. indices.Select((index, k) => k == element ? pick ?? index : index)], places, choices);

    /// <inheritdoc/>
    public override LeafValues Join(IReadOnlyList<LeafValues> parts) =>
        new IndexValues([.. parts.SelectMany(part => ((IndexValues)part).Indices)], places, choices);
}

/// <summary>Copies of rows of exact values.</summary>
static class ExactRows
{
    public static ExactTensor Pick(ExactTensor values, int width, IReadOnlyList<int> rows)
    {
        if (values.HasDoubles)
        {
            var doubles = new double[rows.Count * width];
            for (var k = 0; k < rows.Count; k++) values.ReadDoubles((long)rows[k] * width, doubles.AsSpan(k * width, width));
            return new DoubleTensor(doubles);
        }

        var fractions = new Rational[rows.Count * width];
        for (var k = 0; k < rows.Count; k++)
            for (var i = 0; i < width; i++) fractions[k * width + i] = values[(long)rows[k] * width + i];
        return new RationalTensor(fractions);
    }

    public static ExactTensor Join(IReadOnlyList<ExactTensor> parts)
    {
        if (parts.All(part => part.HasDoubles))
        {
            var doubles = new double[parts.Sum(part => part.Count)];
            var start = 0;
            foreach (var part in parts)
            {
                part.ReadDoubles(0, doubles.AsSpan(start, (int)part.Count));
                start += (int)part.Count;
            }

            return new DoubleTensor(doubles);
        }

        return new RationalTensor([.. parts.SelectMany(part => Enumerable.Range(0, (int)part.Count).Select(k => part[k]))]);
    }
}
