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
    /// <summary>Whether nothing is summed but axes of size 1, so that the contraction is a product of broadcast operands.</summary>
    public static bool IsProduct(Node node) =>
        node.Primitive is Primitive.Contract contract && SumsNothing(contract.Left, node.Operands[0].Shape, contract.Output) && SumsNothing(contract.Right, node.Operands[1].Shape, contract.Output);

    static bool SumsNothing(string letters, Shape shape, string output)
    {
        for (var axis = 0; axis < letters.Length; axis++)
            if (shape[axis] != 1 && !output.Contains(letters[axis])) return false;
        return true;
    }

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
        int[] leftBatch = Of(left, contract.Left, batch), leftRows = Of(left, contract.Left, rows), leftDepth = Of(left, contract.Left, depth);
        int[] rightBatch = Of(right, contract.Right, batch), rightColumns = Of(right, contract.Right, columns), rightDepth = Of(right, contract.Right, depth);
        int[] outBatch = Of(output, contract.Output, batch), outRows = Of(output, contract.Output, rows), outColumns = Of(output, contract.Output, columns);
        if (typeof(TField) == typeof(ZeroPattern))
        {
            // Counted in a field that is larger than any count, then told apart from zero.
            Multiply(default(Mersenne61));
            workers.Share(output.Shape.Count, (start, end) =>
            {
                for (var i = start; i < end; i++) output.Start[i] = Math.Min(output.Start[i], 1);
            });
        }
        else
        {
            Multiply(field);
        }

        void Multiply<TAny>(TAny any) where TAny : struct, IField
        {
            // A single long row is not worth packing; its columns are independent, so each core takes a stretch.
            var stretches = outBatch.Length == 1 && outRows.Length == 1 && outColumns.Length >= 1024 ? workers.Threads : 1;
            void Stretch(int stretch)
            {
                int from = (int)((long)outColumns.Length * stretch / stretches), to = (int)((long)outColumns.Length * (stretch + 1) / stretches);
                Contractions.Multiply(
                    any,
                    left.Start, leftBatch, leftRows, leftDepth,
                    right.Start, rightBatch, rightColumns.AsSpan(from, to - from), rightDepth,
                    output.Start, outBatch, outRows, outColumns.AsSpan(from, to - from),
                    stretches > 1 ? 1 : workers.Threads);
            }

            if (stretches == 1) Stretch(0);
            else Parallel.For(0, stretches, Stretch);
        }
    }
}
