using Tiebreak.Programs;

namespace Tiebreak.Formats.Onnx.Writing;

/// <summary>
/// A contraction as one matrix product between transposes: every letter is a batch (in both operands and the result), summed, a row or a column.
/// Of the orders that letters of a kind can have, those are taken that move the fewest elements.
/// </summary>
static class ContractionWriting
{
    /// <summary>The contraction of two values.</summary>
    public static string Write(GraphBuilder graph, Node node, string left, string right)
    {
        var contract = (Primitive.Contract)node.Primitive;
        var summed = Of(contract.Left, letter => !contract.Output.Contains(letter));
        return summed.Length == 0 ? Product(graph, contract, node, left, right) : MatrixProduct(graph, contract, node, summed, left, right);
    }

    static string Product(GraphBuilder graph, Primitive.Contract contract, Node node, string left, string right)
    {
        string Align(string value, string letters, Shape shape)
        {
            var order = Of(contract.Output, letters.Contains);
            var transposed = graph.Transpose(value, [.. order.Select(letter => letters.IndexOf(letter))]);
            var moved = new Shape([.. order.Select(letter => shape[letters.IndexOf(letter)])]);
            return graph.Reshape(transposed, moved, new Shape([.. contract.Output.Select(letter => letters.IndexOf(letter) is >= 0 and var axis ? shape[axis] : 1)]));
        }

        return graph.Add("Mul", [Align(left, contract.Left, node.Operands[0].Shape), Align(right, contract.Right, node.Operands[1].Shape)]);
    }

    static string MatrixProduct(GraphBuilder graph, Primitive.Contract contract, Node node, string summed, string left, string right)
    {
        var (a, b) = (new Operand(contract.Left, node.Operands[0].Shape), new Operand(contract.Right, node.Operands[1].Shape));
        var plan = Plans(contract, summed).MinBy(plan => a.Cost(plan.Batch, plan.Rows, plan.Summed) + b.Cost(plan.Batch, plan.Summed, plan.Columns) + (plan.Result == contract.Output ? 0 : node.Shape.Count))!;
        var rows = a.Arrange(graph, left, plan.Batch, plan.IsTurned ? plan.Summed : plan.Rows, plan.IsTurned ? plan.Rows : plan.Summed);
        var columns = b.Arrange(graph, right, plan.Batch, plan.IsTurned ? plan.Columns : plan.Summed, plan.IsTurned ? plan.Summed : plan.Columns);
        var product = graph.Add("MatMul", plan.IsTurned ? [columns, rows] : [rows, columns]);
        int SizeOf(char letter) => contract.Left.IndexOf(letter) is >= 0 and var axis ? a.Shape[axis] : b.Shape[contract.Right.IndexOf(letter)];
        int Size(string letters) => letters.Aggregate(1, (size, letter) => size * SizeOf(letter));
        var (first, second) = plan.IsTurned ? (plan.Columns, plan.Rows) : (plan.Rows, plan.Columns);
        var flat = plan.Batch.Length == 0 ? new Shape(Size(first), Size(second)) : new Shape(Size(plan.Batch), Size(first), Size(second));
        var shaped = graph.Reshape(product, flat, new Shape([.. plan.Result.Select(SizeOf)]));
        return graph.Transpose(shaped, [.. contract.Output.Select(letter => plan.Result.IndexOf(letter))]);
    }

    static IEnumerable<Plan> Plans(Primitive.Contract contract, string summed)
    {
        var batch = Of(contract.Output, letter => contract.Left.Contains(letter) && contract.Right.Contains(letter));
        var rows = Of(contract.Left, letter => !contract.Right.Contains(letter));
        var columns = Of(contract.Right, letter => !contract.Left.Contains(letter));
        foreach (var turned in (bool[])[false, true])
            foreach (var b in Orders(batch, contract.Output, contract.Left, contract.Right))
                foreach (var s in Orders(summed, contract.Left, contract.Right))
                    foreach (var r in Orders(rows, contract.Left, contract.Output))
                        foreach (var c in Orders(columns, contract.Right, contract.Output))
                            yield return new Plan(b, r, c, s, turned);
    }

    static IEnumerable<string> Orders(string letters, params ReadOnlySpan<string> like)
    {
        var orders = new List<string>();
        foreach (var order in like) orders.Add(Of(order, letters.Contains));
        return orders.Distinct(StringComparer.Ordinal);
    }

    static string Of(string letters, Func<char, bool> wanted) => string.Concat(letters.Where(wanted));

    /// <summary>The order of the letters of each kind; turned: the product is that of the transposed operands, columns before rows.</summary>
    sealed record Plan(string Batch, string Rows, string Columns, string Summed, bool IsTurned)
    {
        public string Result => IsTurned ? Batch + Columns + Rows : Batch + Rows + Columns;
    }

    readonly record struct Operand(string Letters, Shape Shape)
    {
        /// <summary>Elements to move; exchanging the two matrix axes is cheap, since runtimes read matrices either way.</summary>
        public long Cost(string batch, string one, string other) =>
            Letters == batch + one + other || Letters == batch + other + one ? 0 : Shape.Count;

        /// <summary>The operand as matrices of <paramref name="rows"/> × <paramref name="columns"/>, one for each batch.</summary>
        public string Arrange(GraphBuilder graph, string value, string batch, string rows, string columns)
        {
            var isExchanged = Letters == batch + columns + rows && Letters != batch + rows + columns;
            var (first, second) = isExchanged ? (columns, rows) : (rows, columns);
            var letters = Letters;
            var shape = Shape;
            var order = (batch + first + second).Select(letter => letters.IndexOf(letter)).ToArray();
            var moved = graph.Transpose(value, order);
            int Size(string part) => part.Aggregate(1, (size, letter) => size * shape[letters.IndexOf(letter)]);
            var flat = batch.Length == 0 ? new Shape(Size(first), Size(second)) : new Shape(Size(batch), Size(first), Size(second));
            var matrices = graph.Reshape(moved, new Shape([.. order.Select(axis => shape[axis])]), flat);
            return !isExchanged ? matrices : batch.Length == 0 ? graph.Transpose(matrices, 1, 0) : graph.Transpose(matrices, 0, 2, 1);
        }
    }
}
