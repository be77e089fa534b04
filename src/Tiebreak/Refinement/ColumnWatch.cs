using Tiebreak.Formats.Tables;
using Tiebreak.Numbers;

namespace Tiebreak.Refinement;

/// <summary>
/// What a pass over the samples sees in the elements of data leaves: which are always equal or opposite, constant, zero, and where those that looked equal first differ; of look-ups
/// which rows are never picked. Equality is that of exact values.
/// </summary>
public sealed class ColumnWatch
{
    const int MostElements = 1 << 14;

    readonly List<Element> _elements = [];
    readonly List<List<int>> _groups = []; // the first one holds what has been zero so far
    readonly List<ColumnSplit> _splits = [];
    readonly Dictionary<string, bool[]> _picked = new(StringComparer.Ordinal);
    readonly PrimeField _field = PrimeField.Draw(0xC01); // two different decimals have one image with chance 2⁻⁵⁰ or so, and nothing is proved from it
    bool _hasBegun;

    /// <summary>Whether there are so many elements that only look-ups are watched.</summary>
    public bool IsTooWide { get; private set; }

    /// <summary>Groups of two or more elements that are equal up to sign in every row; those that are always zero are one group.</summary>
    public IReadOnlyList<IReadOnlyList<ColumnElement>> Equal =>
        [.. _groups.Where(group => group.Count > 1).Select(group => (IReadOnlyList<ColumnElement>)[.. group.Select(Public)])];

    /// <summary>Elements that never change.</summary>
    public IReadOnlyList<ColumnElement> Constant => [.. Enumerable.Range(0, _elements.Count).Where(k => _elements[k].IsConstant && !IsZero(k)).Select(Public)];

    /// <summary>Elements that are zero in every row.</summary>
    public IReadOnlyList<ColumnElement> Zero => [.. Enumerable.Range(0, _elements.Count).Where(IsZero).Select(Public)];

    /// <summary>Where elements that had been equal up to sign first differ, in order of rows.</summary>
    public IReadOnlyList<ColumnSplit> Splits => _splits;

    /// <summary>For each leaf of look-ups, which rows of the table some sample picks.</summary>
    public IReadOnlyDictionary<string, bool[]> Picked => _picked;

    /// <summary>Looks at one block.</summary>
    internal void Watch(SampleBlock block, int rowsPerRun)
    {
        var columns = new List<ulong[]>();
        if (!_hasBegun) Begin(block);
        foreach (var (leaf, values) in block.Leaves)
        {
            if (values is IndexValues indices)
            {
                if (!_picked.TryGetValue(leaf, out var picked)) _picked.Add(leaf, picked = new bool[indices.Choices]);
                foreach (var index in indices.Indices) picked[index] = true;
            }
            else if (!IsTooWide)
            {
                AddImages(block, (NumberValues)values, columns);
            }
        }

        for (var k = 0; k < columns.Count; k++)
        {
            var element = _elements[k];
            if (block.FirstRow == 0) element.First = columns[k][0];
            if (element.IsConstant && columns[k].AsSpan(0, block.Rows).ContainsAnyExcept(element.First)) element.IsConstant = false;
        }

        if (columns.Count == 0) return;
        for (var group = 0; group < _groups.Count; group++) Split(group, columns, block, fromRow: 0);
    }

    void Begin(SampleBlock block)
    {
        _hasBegun = true;
        var count = block.Leaves.Values.OfType<NumberValues>().Sum(values => (long)values.Widths.Sum());
        IsTooWide = count > MostElements;
        if (IsTooWide) return;
        foreach (var (leaf, values) in block.Leaves)
            if (values is NumberValues numbers)
                for (var k = 0; k < numbers.Widths.Sum(); k++) _elements.Add(new Element(leaf, k));
        _groups.Add([.. Enumerable.Range(0, _elements.Count)]);
    }

    void AddImages(SampleBlock block, NumberValues values, List<ulong[]> columns)
    {
        for (var column = 0; column < values.Columns.Count; column++)
        {
            var width = values.Widths[column];
            var images = new ulong[block.Rows * width];
            ExactImages.Fill(_field, values.Columns[column], 0, images);
            for (var i = 0; i < width; i++)
            {
                if (width == 1)
                {
                    columns.Add(images);
                    continue;
                }

                var one = new ulong[block.Rows];
                for (var row = 0; row < one.Length; row++) one[row] = images[row * width + i];
                columns.Add(one);
            }
        }
    }

    // Splits a group at the first row where members differ, and goes on with its parts from there.
    void Split(int group, List<ulong[]> columns, SampleBlock block, int fromRow)
    {
        var members = _groups[group];
        while (members.Count > (group == 0 ? 0 : 1))
        {
            var row = block.Rows;
            foreach (var member in members) row = Math.Min(row, FirstDifference(columns, group, members[0], member, fromRow, row));
            if (row == block.Rows) return;

            var parts = members.GroupBy(member => Value(columns, group, member, row)).ToArray();
            if (group == 0)
            {
                // What leaves zero takes the sign of its first value.
                var still = parts.Where(part => part.Key == 0).SelectMany(part => part).ToList();
                foreach (var member in members.Except(still).ToArray()) _elements[member].Negative = columns[member][row] > _field.Modulus / 2;
                parts = [.. members.Except(still).GroupBy(member => Signed(columns, member, row))];
                var one = still.Count > 0 ? still[0] : parts[0].First();
                foreach (var part in parts.Where(_ => block.FirstRow + row > 0)) Record(one, part.First(), block.FirstRow + row);
                _groups[0] = members = still;
                foreach (var part in parts) _groups.Add([.. part]);
            }
            else
            {
                foreach (var part in parts.Skip(1))
                {
                    Record(parts[0].First(), part.First(), block.FirstRow + row);
                    _groups.Add([.. part]);
                }

                _groups[group] = members = [.. parts[0]];
            }

            fromRow = row;
        }
    }

    void Record(int one, int other, long row)
    {
        if (one != other) _splits.Add(new ColumnSplit(Public(one), Public(other), row));
    }

    int FirstDifference(List<ulong[]> columns, int group, int first, int member, int from, int to)
    {
        var a = columns[first].AsSpan(from, to - from);
        var b = columns[member].AsSpan(from, to - from);
        if (group == 0)
        {
            var at = b.IndexOfAnyExcept(0UL);
            return at < 0 ? to : from + at;
        }

        if (_elements[first].Negative == _elements[member].Negative) return from + a.CommonPrefixLength(b);
        for (var row = from; row < to; row++)
            if (_field.Add(columns[first][row], columns[member][row]) != 0) return row;
        return to;
    }

    ulong Value(List<ulong[]> columns, int group, int member, int row) => group == 0 ? columns[member][row] : Signed(columns, member, row);

    ulong Signed(List<ulong[]> columns, int member, int row) => _elements[member].Negative ? _field.Negate(columns[member][row]) : columns[member][row];

    bool IsZero(int element) => _groups.Count > 0 && _groups[0].Contains(element);

    ColumnElement Public(int k) => new(_elements[k].Leaf, _elements[k].Index, _elements[k].Negative);

    sealed class Element(string leaf, int index)
    {
        public string Leaf => leaf;

        public int Index => index;

        public bool Negative { get; set; }

        public bool IsConstant { get; set; } = true;

        public ulong First { get; set; }
    }
}

/// <summary>One element of a data leaf.</summary>
/// <param name="Leaf">The leaf.</param>
/// <param name="Index">The element in it, row-major.</param>
/// <param name="Negative">The sign under which it equals others of its group.</param>
public readonly record struct ColumnElement(string Leaf, int Index, bool Negative);

/// <summary>Two elements that were equal up to sign in all rows before this one.</summary>
/// <param name="One">One of them.</param>
/// <param name="Other">The other.</param>
/// <param name="Row">The row, counted from 0.</param>
public readonly record struct ColumnSplit(ColumnElement One, ColumnElement Other, long Row);
