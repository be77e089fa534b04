using Tiebreak.Numbers;
using Tiebreak.Programs;

namespace Tiebreak.Formats.Onnx.Lowering;

/// <summary>
/// Tables whose rows belong to places of a sequence. At the small sizes of an analysis most places do not occur, but longer sequences have them (theory §5: position tables
/// their whole length). So where the rows read follow from free sizes, the last place reads any row.
/// </summary>
static class PositionTables
{
    /// <summary>Whether an operand is a trained table, read at rows that larger sizes would add to.</summary>
    public static bool IsCut(OperatorCall call, Value table, int axis, IEnumerable<int> rows, params ReadOnlySpan<int> operands)
    {
        if (table is not { Node: not null, Weight: not null } || !DependOnSizes(call, operands)) return false;
        var seen = new bool[table.Shape[axis]];
        foreach (var row in rows) seen[row] = true;
        return seen.Contains(false) && seen.Contains(true);
    }

    /// <summary>What was read from a table, place after place along one axis, with a mixture of all rows at the last place.</summary>
    public static Node WithAnyRowLast(OperatorCall call, Value table, int axis, Node read)
    {
        var builder = call.Builder;
        var (rows, places) = (table.Shape[axis], read.Shape[axis]);
        var last = new long[places];
        last[^1] = 1;
        var gate = builder.Constant(OperatorCall.Exact(last), new Shape(places));
        var others = Enumerable.Range(0, read.Shape.Rank).Where(k => k != axis).ToArray();
        var kept = builder.Multiply(read, builder.Broadcast(Comparisons.Opposite(builder, gate), read.Shape, others));
        var letters = new AxisLetters();
        var source = letters.Take(table.Shape.Rank);
        var place = letters.Take(1);
        var choice = builder.Data($"{call.Name}: a later place", new Shape(rows), DataKind.Distribution);
        var spread = builder.Contract(place, source[axis].ToString(), place + source[axis], gate, choice);
        return builder.Add(kept, builder.Contract(place + source[axis], source, source[..axis] + place + source[(axis + 1)..], spread, call.NodeOf(table)));
    }

    static bool DependOnSizes(OperatorCall call, ReadOnlySpan<int> operands)
    {
        foreach (var operand in operands)
            if (call.Has(operand) && call.Lowering.Graph.DependsOnSizes(call.Proto.Input[operand])) return true;
        return false;
    }
}
