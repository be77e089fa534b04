using Tiebreak.Numbers;
using Tiebreak.Numbers.Kernels;
using Tiebreak.Programs;

namespace Tiebreak.Evaluation;

/// <summary>
/// Turns an einsum over strided views into matrix products: letters in both operands and the output are the batch, in the left and the output
/// the rows, in the right and the output the columns, in both operands only the depth. The views are read in place, so a convolution
/// over a sliding window never copies its windows.
/// </summary>
static class Contraction
{
    /// <summary>Whether nothing is summed, so that the contraction is a product of broadcast operands.</summary>
    public static bool IsProduct(Primitive.Contract contract) => contract.Left.All(letter => contract.Output.Contains(letter)) && contract.Right.All(letter => contract.Output.Contains(letter));

    /// <summary>An operand of a product, arranged as the output is; axes it lacks are repeated.</summary>
    public static View Align(View operand, string letters, string output, Shape target)
    {
        var strides = new int[output.Length];
        for (var axis = 0; axis < output.Length; axis++)
        {
            var own = letters.IndexOf(output[axis], StringComparison.Ordinal);
            strides[axis] = own < 0 ? 0 : operand.Strides[own];
        }

        return operand.Share(operand.Offset, target, strides);
    }

    /// <summary>Writes the contraction to contiguous memory of the output's shape.</summary>
    public static unsafe void Run<TField>(TField field, Primitive.Contract contract, View left, View right, View output, Workers workers) where TField : struct, IField
    {
        workers.Cancellation.ThrowIfCancellationRequested();
        string batch = "", rows = "", columns = "", depth = "";
        foreach (var letter in contract.Output)
        {
            if (!contract.Right.Contains(letter)) rows += letter;
            else if (!contract.Left.Contains(letter)) columns += letter;
            else batch += letter;
        }

        foreach (var letter in contract.Right)
            if (!contract.Output.Contains(letter)) depth += letter; // in the right operand's order, which is the larger one of a convolution

        int[] Of(View view, string letters, string wanted) => view.Offsets([.. wanted.Select(letter => letters.IndexOf(letter, StringComparison.Ordinal))]);
        Contractions.Multiply(
            field,
            new Contractions.Operand(left.Start, Of(left, contract.Left, batch), Of(left, contract.Left, rows), Of(left, contract.Left, depth)),
            new Contractions.Operand(right.Start, Of(right, contract.Right, batch), Of(right, contract.Right, columns), Of(right, contract.Right, depth)),
            new Contractions.Result(output.Start, Of(output, contract.Output, batch), Of(output, contract.Output, rows), Of(output, contract.Output, columns)),
            workers.Threads);
    }
}
