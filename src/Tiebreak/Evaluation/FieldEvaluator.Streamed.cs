using Tiebreak.Numbers;
using Tiebreak.Programs;

namespace Tiebreak.Evaluation;

/// <summary>Products with matrices that a point multiplies by itself.</summary>
sealed unsafe partial class FieldEvaluator<TField> where TField : struct, IField
{
    // A matrix that is multiplied where it lies. The vectors are lined up with the summed axis last; what comes out has the matrix' axis last.
    View? Streamed(TField field, int lane, IMatrixPoint matrices, MatrixProduct product, Primitive.Contract contract, Node node)
    {
        var letters = product.Side == 0 ? contract.Right : contract.Left;
        var rest = Enumerable.Range(0, node.Shape.Rank).Where(axis => axis != product.Made).ToArray();
        var other = Value(node.Operands[1 - product.Side], lane);
        int[] order = [.. rest.Select(axis => letters.IndexOf(contract.Output[axis], StringComparison.Ordinal)), product.Summed];
        var vectors = Contiguous(other.Transpose(new Primitive.Transpose(new Axes(order))));
        other.Buffer.Release();
        var made = new Shape([.. rest.Select(axis => node.Shape[axis]), node.Shape[product.Made]]);
        var results = Rent(made);
        var isDone = matrices.TryMultiply(field, lane, product.Name, product.OverRows, vectors.Start, (int)(made.Count / made[made.Rank - 1]), results.Start);
        vectors.Buffer.Release();
        var strides = made.Strides();
        var steps = new int[node.Shape.Rank];
        for (var k = 0; k < rest.Length; k++) steps[rest[k]] = strides[k];
        steps[product.Made] = 1;
        var view = isDone ? results.Share(results.Offset, node.Shape, steps) : null;
        results.Buffer.Release();
        return view;
    }
}
