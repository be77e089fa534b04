using System.Globalization;
using Tiebreak.Numbers;
using Tiebreak.Programs;

namespace Tiebreak.Formats.Tables;

/// <summary>A table bound to the data leaves of one model: samples, block after block, as often as wanted.</summary>
public sealed class DataSet
{
    readonly Table _table;
    readonly IReadOnlyList<BoundInput> _inputs;
    readonly (string Name, DataKind Kind, Shape Shape)[] _leaves;
    readonly int[] _fields;

    /// <summary>Binds; the leaves are those of the program at one sample (or several, if it needs that).</summary>
    /// <param name="table">The table.</param>
    /// <param name="program">The program, whose leaves hold <paramref name="samples"/> samples each.</param>
    /// <param name="inputs">The columns of each input.</param>
    /// <param name="samples">How many rows one run of the program takes.</param>
    public DataSet(Table table, TensorProgram program, IReadOnlyList<BoundInput> inputs, int samples)
    {
        (_table, _inputs, RowsPerRun) = (table, inputs, samples);
        _leaves = [.. program.Nodes.Where(node => node.Primitive is Primitive.Data { Kind: DataKind.Free or DataKind.Distribution } data && Source(data) is not null)
            .Select(node => (((Primitive.Data)node.Primitive).Name, ((Primitive.Data)node.Primitive).Kind, node.Shape))];
        _fields = [.. _leaves.SelectMany(leaf => Source(new Primitive.Data(leaf.Name, leaf.Kind))!.Fields).Distinct().Order()];
    }

    /// <summary>The table's path.</summary>
    public string Path => _table.Path;

    /// <summary>How many rows one run of the program takes.</summary>
    public int RowsPerRun { get; }

    /// <summary>The names of the leaves that the table supplies.</summary>
    public IEnumerable<string> Leaves => _leaves.Select(leaf => leaf.Name);

    /// <summary>How a message names a row, counted from 0.</summary>
    public string PlaceOf(long row) => _table.PlaceOf(row);

    /// <summary>The column that supplies an element of a leaf.</summary>
    public string ColumnOf(string leaf, int element)
    {
        foreach (var field in Source(new Primitive.Data(leaf, DataKind.Free))?.Fields ?? [])
        {
            var (name, shape, _) = _table.Fields[field];
            if (element < shape.Count) return shape.Count == 1 ? name : string.Create(CultureInfo.InvariantCulture, $"{name}[{element}]");
            element -= (int)shape.Count;
        }

        return leaf;
    }

    /// <summary>All rows in order; what a block holds is good until the next one.</summary>
    /// <exception cref="TiebreakException">The table is malformed, or an index is out of range: file, row and column.</exception>
    public IEnumerable<SampleBlock> Read(int rowsPerBlock, CancellationToken cancellation)
    {
        foreach (var block in _table.Read(_fields, rowsPerBlock, cancellation))
        {
            yield return new SampleBlock
            {
                FirstRow = block.FirstRow,
                Rows = block.Rows,
                Leaves = _leaves.ToDictionary(leaf => leaf.Name, leaf => Values(leaf, block), StringComparer.Ordinal),
            };
        }
    }

    // An index is a leaf for each height of the tables that it reaches: "ids among 50257".
    BoundInput? Source(Primitive.Data data)
    {
        var name = data.Name;
        if (_inputs.FirstOrDefault(input => input.Name == name) is { } exact) return exact;
        var end = name.LastIndexOf(" among ", StringComparison.Ordinal);
        return end < 0 ? null : _inputs.FirstOrDefault(input => input.Name == name[..end]);
    }

    LeafValues Values((string Name, DataKind Kind, Shape Shape) leaf, TableBlock block)
    {
        var source = Source(new Primitive.Data(leaf.Name, leaf.Kind))!;
        ExactTensor[] columns = [.. source.Fields.Select(field => block.Values[Array.IndexOf(_fields, field)])];
        int[] widths = [.. source.Fields.Select(field => (int)_table.Fields[field].Shape.Count)];
        var count = leaf.Shape.Count / RowsPerRun;
        if (source.Count == count) return new NumberValues(columns, widths);
        var choices = leaf.Shape[leaf.Shape.Rank - 1];
        return Indices(source, columns, widths, block, choices, isTarget: leaf.Name == NamedLoss.Target);
    }

    IndexValues Indices(BoundInput source, ExactTensor[] columns, int[] widths, TableBlock block, int choices, bool isTarget)
    {
        var places = (int)source.Count;
        var indices = new int[block.Rows * places];
        var numbers = new double[block.Rows * widths.Max()];
        var offset = 0;
        for (var k = 0; k < columns.Length; offset += widths[k++])
        {
            columns[k].ReadNearest(0, numbers.AsSpan(0, block.Rows * widths[k]));
            for (var row = 0; row < block.Rows; row++)
            {
                for (var i = 0; i < widths[k]; i++)
                {
                    var number = numbers[row * widths[k] + i];
                    var index = number < 0 && !isTarget ? number + choices : number; // look-ups count negative ones from the end
                    if (index != Math.Floor(index) || index < 0 || index >= choices)
                        throw new TiebreakException(string.Create(CultureInfo.InvariantCulture,
                            $"{_table.Path}: {_table.PlaceOf(block.FirstRow + row)}, column `{_table.Fields[source.Fields[k]].Name}`: {number} is no {(isTarget ? "class" : "index")} from 0 to {choices - 1}{(isTarget ? "; classes count from 0" : "")}"));
                    indices[row * places + offset + i] = (int)index;
                }
            }
        }

        return new IndexValues(indices, places, choices);
    }
}
