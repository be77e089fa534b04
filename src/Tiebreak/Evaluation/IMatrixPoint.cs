using Tiebreak.Numbers;
using Tiebreak.Programs;

namespace Tiebreak.Evaluation;

/// <summary>A point that multiplies by some of its matrices itself, without writing their values down (theory §6).</summary>
interface IMatrixPoint : IParameterPoint
{
    /// <summary>Whether a parameter is such a matrix.</summary>
    bool IsMatrix(string name);

    /// <summary>
    /// Writes results[t,n] = Σₖ W[n,k]·vectors[t,k], or with W[k,n] if <paramref name="overRows"/>, in each lane; both row-major. False if the matrix has no short way at this point and its values must be asked for.
    /// </summary>
    unsafe bool TryMultiply<TField>(TField[] fields, string name, bool overRows, ulong*[] vectors, int count, ulong*[] results) where TField : struct, IField;
}

/// <summary>A contraction of a matrix with vectors: one axis of the matrix is summed over, the other is in the output, and all other axes belong to the vectors.</summary>
/// <param name="Name">The matrix.</param>
/// <param name="Side">Which operand it is.</param>
/// <param name="OverRows">Whether its first axis is summed over.</param>
/// <param name="Summed">The axis of the other operand that is summed over.</param>
/// <param name="Made">The axis of the output that the matrix brings.</param>
sealed record MatrixProduct(string Name, int Side, bool OverRows, int Summed, int Made)
{
    /// <summary>A node as a product with a parameter; null if it is none.</summary>
    public static MatrixProduct? Of(Node node)
    {
        if (node.Primitive is not Primitive.Contract contract) return null;
        for (var side = 0; side < 2; side++)
        {
            if (node.Operands[side] is not { Primitive: Primitive.Parameter parameter, Shape.Rank: 2 } || node.Operands[1 - side].Primitive is Primitive.Parameter) continue;
            var (own, other) = side == 0 ? (contract.Left, contract.Right) : (contract.Right, contract.Left);
            for (var axis = 0; axis < 2; axis++)
            {
                char summed = own[axis], made = own[1 - axis];
                if (other.Contains(summed) && !contract.Output.Contains(summed) && contract.Output.Contains(made) && !other.Contains(made))
                    return new MatrixProduct(parameter.Name, side, axis == 0, other.IndexOf(summed, StringComparison.Ordinal), contract.Output.IndexOf(made, StringComparison.Ordinal));
            }
        }

        return null;
    }
}
