using System.Collections;
using Tiebreak.Programs;

namespace Tiebreak.Verification;

/// <summary>All products of a two-operand einsum: which element of the left is multiplied with which of the right, and to which of the result it is added.</summary>
sealed class ContractTerms(Primitive.Contract contract, Node node) : IEnumerable<(int Left, int Right, int At)>
{
    /// <inheritdoc/>
    public IEnumerator<(int Left, int Right, int At)> GetEnumerator()
    {
        var letters = string.Concat((contract.Output + contract.Left).Distinct());
        int Size(char letter) => contract.Left.IndexOf(letter, StringComparison.Ordinal) is var left and >= 0 ? node.Operands[0].Shape[left] : node.Operands[1].Shape[contract.Right.IndexOf(letter, StringComparison.Ordinal)];
        int[] Strides(string own, Shape shape)
        {
            var strides = shape.Strides();
            return [.. letters.Select(letter => own.IndexOf(letter, StringComparison.Ordinal) is var at and >= 0 ? strides[at] : 0)];
        }

        int[] sizes = [.. letters.Select(Size)];
        int[] ofLeft = Strides(contract.Left, node.Operands[0].Shape), ofRight = Strides(contract.Right, node.Operands[1].Shape), ofResult = Strides(contract.Output, node.Shape);
        if (sizes.Contains(0)) yield break;
        var index = new int[sizes.Length];
        int left = 0, right = 0, result = 0;
        while (true)
        {
            yield return (left, right, result);
            var axis = sizes.Length - 1;
            for (; axis >= 0; axis--)
            {
                (left, right, result) = (left + ofLeft[axis], right + ofRight[axis], result + ofResult[axis]);
                if (++index[axis] < sizes[axis]) break;
                (left, right, result) = (left - index[axis] * ofLeft[axis], right - index[axis] * ofRight[axis], result - index[axis] * ofResult[axis]);
                index[axis] = 0;
            }

            if (axis < 0) yield break;
        }
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
