using Tiebreak.Programs;

namespace Tiebreak.Verification;

/// <summary>
/// The chance that one random point, modulo one random prime of 120 bits, overlooks a false equation between gradients. Every value is a polynomial in what is drawn (data, classes, results of functions)
/// and in reciprocals; multiplying out the reciprocals, the innermost last, multiplies a degree by one more than all they divide by. A polynomial of degree D that is not zero vanishes with chance at most
/// D/2¹¹⁹ (Schwartz and Zippel), or because the prime divides all its coefficients. Two different arguments of a function must not be confused, either: as many pairs as there are calls, squared.
/// </summary>
static class PlainErrorBound
{
    const double FieldSize = 6.6461399789245794e35; // 2¹¹⁹
    const double ShareOfPrimes = 84; // one number of 120 bits in 84 is prime
    const int PrimeBits = 119;

    /// <summary>The chance for one point; at most 1.</summary>
    /// <param name="program">From parameters and data to outputs.</param>
    /// <param name="bits">The bits of the largest numerator or denominator among start values and constants.</param>
    public static double Of(TensorProgram program, int bits)
    {
        var degree = new double[program.Nodes.Count];
        var level = new int[program.Nodes.Count];
        var divided = new double[program.Nodes.Count + 2]; // for each level of nesting Σ of the degrees of what is divided by
        double arguments = 1, calls = 0;
        var isNeeded = PlainPoint.Needed(program);
        foreach (var node in program.Nodes)
        {
            if (!isNeeded[node.Id]) continue;
            var operands = node.Operands;
            level[node.Id] = operands.Count == 0 ? 0 : operands.Max(operand => level[operand.Id]);
            var largest = operands.Count == 0 ? 1 : operands.Max(operand => degree[operand.Id]);
            switch (node.Primitive)
            {
                case Primitive.Reciprocal:
                    divided[++level[node.Id]] += node.Shape.Count * largest;
                    degree[node.Id] = 1;
                    break;
                case Primitive.Apply or Primitive.Choose:
                    // A derivative may call another function of 1 ± x², and divide by what it gives.
                    arguments = Math.Max(arguments, Cleared(2 * largest, level[node.Id]));
                    calls += 2.0 * node.Shape.Count;
                    if (node.Primitive is Primitive.Apply { Function.Kind: not (FunctionKind.Step or FunctionKind.Sign or FunctionKind.Floor or FunctionKind.Round or FunctionKind.Exp or FunctionKind.Tanh or FunctionKind.Sin or FunctionKind.Cos or FunctionKind.Erf) })
                        divided[level[node.Id] + 1] += node.Shape.Count * (2 * largest + 1);
                    (degree[node.Id], level[node.Id]) = (1, 0);
                    break;
                case Primitive.Multiply or Primitive.Contract:
                    degree[node.Id] = degree[operands[0].Id] + degree[operands[1].Id];
                    break;
                default:
                    degree[node.Id] = largest;
                    break;
            }
        }

        // Backwards: an adjoint of a factor is multiplied by the other one, that of an argument by a derivative (of degree 2, or a reciprocal), that of 1/x by its square.
        var adjoint = new double[program.Nodes.Count];
        double gradients = 1;
        foreach (var (_, node) in program.Outputs) adjoint[node.Id] = 1;
        foreach (var node in program.Nodes.Reverse())
        {
            if (adjoint[node.Id] == 0) continue;
            if (node.Primitive is Primitive.Parameter) gradients = Math.Max(gradients, adjoint[node.Id]);
            for (var k = 0; k < node.Operands.Count; k++)
            {
                var factor = node.Primitive switch
                {
                    Primitive.Multiply or Primitive.Contract => degree[node.Operands[1 - k].Id],
                    Primitive.Reciprocal or Primitive.Apply => 2,
                    _ => 0,
                };
                adjoint[node.Operands[k].Id] = Math.Max(adjoint[node.Operands[k].Id], adjoint[node.Id] + factor);
            }
        }

        var overlooked = Vanishes(Cleared(gradients, divided.Length - 1)) + calls * calls * Vanishes(arguments);
        return Math.Min(1, overlooked);

        double Cleared(double of, int deepest)
        {
            for (var k = Math.Min(deepest, divided.Length - 1); k >= 1; k--) of *= 1 + divided[k];
            return of;
        }

        double Vanishes(double of)
        {
            var size = of * (bits + 64) + 4.0 * program.Nodes.Count;
            return Math.Min(1, of / FieldSize + size / PrimeBits * ShareOfPrimes / FieldSize);
        }
    }
}
