using Tiebreak.Formats;
using Tiebreak.Formats.Tables;
using Tiebreak.Numbers;
using Tiebreak.Programs;

namespace Tiebreak.Tests.Data;

/// <summary>
/// The slow, obvious meaning of a data set: the program written out once for each row, its data replaced by that row's numbers, each copy with outputs of its own.
/// </summary>
static class UnrolledModel
{
    /// <summary>The model of all rows.</summary>
    /// <param name="model">The model of one sample.</param>
    /// <param name="rows">For each row the values of each leaf.</param>
    public static Model Of(Model model, IReadOnlyList<IReadOnlyDictionary<string, Rational[]>> rows)
    {
        var builder = new ProgramBuilder();
        Node? loss = null;
        for (var row = 0; row < rows.Count; row++)
        {
            var made = new Node[model.Program.Nodes.Count];
            foreach (var node in model.Program.Nodes)
            {
                made[node.Id] = node.Primitive switch
                {
                    Primitive.Data data when rows[row].TryGetValue(data.Name, out var values) => builder.Constant(new RationalTensor(values), node.Shape),
                    Primitive.Data data => builder.Data($"{data.Name} of row {row}", node.Shape, data.Kind),
                    Primitive.Parameter parameter => builder.Parameter(parameter.Name, node.Shape),
                    Primitive.Constant constant => builder.Constant(constant.Values, node.Shape),
                    var primitive => builder.Make(primitive, [.. node.Operands.Select(operand => made[operand.Id])]),
                };
            }

            foreach (var (name, node) in model.Program.Outputs)
            {
                var whole = made[node.Id];
                if (model.OutputIsLoss)
                {
                    var sum = builder.ReduceSum(whole, [.. Enumerable.Range(0, whole.Shape.Rank)]);
                    var weighted = builder.Multiply(sum, builder.Data($"weight of row {row}", Shape.Scalar));
                    loss = loss is null ? weighted : builder.Add(loss, weighted);
                }
                else
                {
                    builder.Output($"{name} of row {row}", whole);
                }
            }
        }

        if (loss is not null) builder.Output("loss", loss);
        return model with { Program = builder.Build(), OutputNames = [.. builder.Build().Outputs.Select(output => output.Name)] };
    }
}

/// <summary>A table in memory.</summary>
sealed class MemoryTable(IReadOnlyList<(string Name, Shape Shape)> columns, IReadOnlyList<Rational[][]> rows) : Table("memory.csv")
{
    public override IReadOnlyList<TableField> Fields => [.. columns.Select(column => new TableField(column.Name, column.Shape, false))];

    public override long? Rows => rows.Count;

    protected override IEnumerable<TableBlock> ReadBlocks(IReadOnlyList<int> wanted, int rowsPerBlock, CancellationToken cancellation)
    {
        for (var first = 0; first < rows.Count; first += rowsPerBlock)
        {
            var part = rows.Skip(first).Take(rowsPerBlock).ToArray();
            yield return new TableBlock(first, part.Length, [.. wanted.Select(place => (ExactTensor)new RationalTensor([.. part.SelectMany(row => row[place])]))]);
        }
    }
}
