using Tiebreak.Programs;

namespace Tiebreak.Verification;

/// <summary>
/// Where the factors of a two-operand einsum stand. One element of its result is Σₖ left[start + LeftSteps[k]] · right[start′ + RightSteps[k]]; the starts are found from the element's indices.
/// The adjoint of either operand is such a sum, too: that of the result and the other operand.
/// </summary>
sealed class SumOfProducts
{
    readonly int[] _sizes;
    readonly int[] _left;
    readonly int[] _right;

    /// <param name="left">The letters of the left operand's axes.</param>
    /// <param name="leftShape">Its sizes.</param>
    /// <param name="right">The letters of the right operand's axes.</param>
    /// <param name="rightShape">Its sizes.</param>
    /// <param name="result">The letters of the result's axes; those that are missing are summed over.</param>
    /// <param name="shape">Its sizes.</param>
    public SumOfProducts(string left, Shape leftShape, string right, Shape rightShape, string result, Shape shape)
    {
        int Size(char letter) => left.IndexOf(letter, StringComparison.Ordinal) is var at and >= 0 ? leftShape[at] : rightShape[right.IndexOf(letter, StringComparison.Ordinal)];
        static int[] Strides(string letters, string own, Shape shape)
        {
            var strides = shape.Strides();
            return [.. letters.Select(letter => own.IndexOf(letter, StringComparison.Ordinal) is var at and >= 0 ? strides[at] : 0)];
        }

        var summed = string.Concat((left + right).Where(letter => !result.Contains(letter)).Distinct());
        var inner = new Shape([.. summed.Select(Size)]);
        LeftSteps = Copies.Offsets(inner, Strides(summed, left, leftShape));
        RightSteps = Copies.Offsets(inner, Strides(summed, right, rightShape));
        (_sizes, _left, _right) = ([.. shape.Sizes], Strides(result, left, leftShape), Strides(result, right, rightShape));
    }

    /// <summary>The sums that a contraction is made of.</summary>
    public static SumOfProducts Of(Node node, Primitive.Contract contract) =>
        new(contract.Left, node.Operands[0].Shape, contract.Right, node.Operands[1].Shape, contract.Output, node.Shape);

    /// <summary>The sums that the adjoint of one operand is made of: left is the adjoint of the result, right the other operand.</summary>
    public static SumOfProducts Adjoint(Node node, Primitive.Contract contract, int operand)
    {
        var (own, other) = operand == 0 ? (contract.Left, contract.Right) : (contract.Right, contract.Left);
        return new(contract.Output, node.Shape, other, node.Operands[1 - operand].Shape, own, node.Operands[operand].Shape);
    }

    /// <summary>For each product of a sum the step from the start to its left factor.</summary>
    public int[] LeftSteps { get; }

    /// <summary>The same for its right factor.</summary>
    public int[] RightSteps { get; }

    /// <summary>Where the factors of an element of the result start.</summary>
    public (int Left, int Right) Start(int element)
    {
        int left = 0, right = 0;
        for (var axis = _sizes.Length - 1; axis >= 0; axis--)
        {
            (element, var place) = (element / _sizes[axis], element % _sizes[axis]);
            left += place * _left[axis];
            right += place * _right[axis];
        }

        return (left, right);
    }
}
