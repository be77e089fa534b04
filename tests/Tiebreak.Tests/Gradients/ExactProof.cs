using Tiebreak.Numbers;
using Tiebreak.Programs;
using Tiebreak.Tests.Programs;

namespace Tiebreak.Tests.Gradients;

/// <summary>
/// In exact fractions, for programs that are polynomials near the point (arithmetic, moves, and choices and steps that do not change there): the
/// derivative follows from finitely many differences, and the gradient must be exactly that.
/// </summary>
sealed class ExactProof(TensorProgram program, Func<Node, Rational[]> leaf, Func<Rational> number) : GradientProof<Rational>(program, leaf, number)
{
    static readonly Rational Step = new(1, 1L << 60); // so small that no choice changes

    readonly int _degree = Degree(program);

    protected override Rational Zero => Rational.Zero;

    protected override Rational One => Rational.One;

    protected override Rational Plus(Rational left, Rational right) => left + right;

    protected override Rational Times(Rational left, Rational right) => left * right;

    protected override IEnumerable<(string Name, Rational[] Values)> Evaluate(TensorProgram program, Func<Node, Rational[]> leaf) => RationalEvaluator.Evaluate(program, leaf);

    /// <summary>f′(0) = Σ (−1)^(k+1) Δᵏf / k, divided by the step; that the next difference vanishes shows that f is a polynomial of that degree.</summary>
    protected override string? Compare(Rational[] terms, Func<Rational, Rational> loss)
    {
        var differences = Enumerable.Range(0, _degree + 2).Select(k => loss(k * Step)).ToArray();
        var derivative = Rational.Zero;
        for (var k = 1; k <= _degree + 1; k++)
        {
            for (var i = 0; i + k < differences.Length; i++) differences[i] = differences[i + 1] - differences[i];
            if (k <= _degree) derivative += differences[0] / (k % 2 == 1 ? k : -k);
            else if (!differences[0].IsZero) return $"the loss is no polynomial of degree {_degree} near the point";
        }

        derivative /= Step;
        var claimed = terms.Aggregate(Rational.Zero, Plus);
        return derivative == claimed ? null : $"the gradient says {claimed}, differences say {derivative}";
    }

    /// <summary>The total degree in the parameters that no output exceeds.</summary>
    static int Degree(TensorProgram program)
    {
        var degrees = new int[program.Nodes.Count];
        foreach (var node in program.Nodes)
        {
            var operands = node.Operands.Select(operand => degrees[operand.Id]).ToArray();
            degrees[node.Id] = node.Primitive switch
            {
                Primitive.Parameter => 1,
                Primitive.Data or Primitive.Constant or Primitive.Choose or Primitive.Apply => 0,
                Primitive.Multiply or Primitive.Contract => operands.Sum(),
                _ => operands.Max(),
            };
        }

        return program.Outputs.Max(output => degrees[output.Node.Id]);
    }
}
