using Tiebreak.Numbers;
using Tiebreak.Programs;

namespace Tiebreak.Evaluation;

/// <summary>Products with matrices that a point multiplies by itself.</summary>
sealed unsafe partial class FieldEvaluator<TField> where TField : struct, IField
{
    // A matrix that is multiplied where it lies, for all lanes at once. The vectors are lined up with the summed axis last; what comes out has the matrix' axis last. Null if the point cannot.
    View[]? Streamed(Node node)
    {
        if (node.Primitive is not Primitive.Contract contract || _point is not IMatrixPoint matrices || MatrixProduct.Of(node) is not { } product || !matrices.IsMatrix(product.Name)) return null;
        var letters = product.Side == 0 ? contract.Right : contract.Left;
        var rest = Enumerable.Range(0, node.Shape.Rank).Where(axis => axis != product.Made).ToArray();
        int[] order = [.. rest.Select(axis => letters.IndexOf(contract.Output[axis], StringComparison.Ordinal)), product.Summed];
        var made = new Shape([.. rest.Select(axis => node.Shape[axis]), node.Shape[product.Made]]);
        var strides = made.Strides();
        var steps = new int[node.Shape.Rank];
        for (var k = 0; k < rest.Length; k++) steps[rest[k]] = strides[k];
        steps[product.Made] = 1;

        var (vectors, results) = (new View[_fields.Length], new View[_fields.Length]);
        var from = new ulong*[_fields.Length];
        var to = new ulong*[_fields.Length];
        for (var lane = 0; lane < _fields.Length; lane++)
        {
            var other = Value(node.Operands[1 - product.Side], lane);
            vectors[lane] = Contiguous(other.Transpose(new Primitive.Transpose(new Axes(order))));
            other.Buffer.Release();
            results[lane] = Rent(made);
            from[lane] = vectors[lane].Start;
            to[lane] = results[lane].Start;
        }

        var isDone = matrices.TryMultiply(_fields, product.Name, product.OverRows, from, (int)(made.Count / made[made.Rank - 1]), to);
        var views = new View[_fields.Length];
        for (var lane = 0; lane < _fields.Length; lane++)
        {
            vectors[lane].Buffer.Release();
            if (isDone) views[lane] = results[lane].Share(results[lane].Offset, node.Shape, steps);
            results[lane].Buffer.Release();
        }

        return isDone ? views : null;
    }
}
